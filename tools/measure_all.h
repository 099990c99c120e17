/* What each of many bundles will report. */
#ifndef BULLA_MEASURE_ALL_H
#define BULLA_MEASURE_ALL_H
#include "measuring.h"

/*
 * Measures the bundle in --bundle, or each in that folder, for the platform that it is for, and prints
 * "BUNDLE.TEE.REGISTER=hex" lines, with --json schema bulla.measures/1. Options that a platform does not take
 * are not for it.
 */
int measure_all(const struct args *a, struct err *e);
#endif
