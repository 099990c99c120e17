/* What the files of this concern share. */
#ifndef AGENT_CONFIG_INTERNAL_H
#define AGENT_CONFIG_INTERNAL_H
#include "config/config.h"

/* Sets what is not set yet to its default. */
void config_defaults(struct config *c);
/* Is it one of the REST API's extents? */
bool config_rest_api(const char *value);
/* Initdata from a cloud's user data: initdata itself, its base64, or cloud-config that writes it to
 * /run/peerpod/initdata. 0 with the file's bytes appended, -ENOENT where there is none in it, -EBADMSG. Pure.
 */
int config_user_data(const char *name, struct slice data, struct buf *toml, struct err *e);
#endif
