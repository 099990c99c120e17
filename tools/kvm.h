/* Does KVM run a guest here? That /dev/kvm opens is no proof: in a nested or filtered machine KVM_RUN may
 * never return. */
#ifndef BULLA_KVM_H
#define BULLA_KVM_H
#include <stdbool.h>

enum { KVM_WHY = 160 };

/* Runs four instructions in a guest of one page, for a second at most. False leaves the reason in WHY. */
bool kvm_runs(char why[KVM_WHY]);
#endif
