/* libcurl, loaded when the first file is to be fetched: it brings two dozen libraries, whose relocation takes
 * longer than most measurements. */
#ifndef BULLA_CURL_H
#define BULLA_CURL_H
#include <curl/curl.h>
#include "lib/err.h"

#define CURL_FUNCTIONS(X)                                                                                    \
	X(global_init)                                                                                       \
	X(easy_init)                                                                                         \
	X(easy_setopt)                                                                                       \
	X(easy_getinfo)                                                                                      \
	X(easy_strerror)                                                                                     \
	X(easy_cleanup)                                                                                      \
	X(slist_append)                                                                                      \
	X(slist_free_all)                                                                                    \
	X(multi_init)                                                                                        \
	X(multi_setopt)                                                                                      \
	X(multi_add_handle)                                                                                  \
	X(multi_perform)                                                                                     \
	X(multi_poll)                                                                                        \
	X(multi_info_read)                                                                                   \
	X(multi_remove_handle)                                                                               \
	X(multi_cleanup)

struct curl { /* curl_NAME of libcurl is .NAME here */
#define X(name) __typeof__(&curl_##name) name;
	CURL_FUNCTIONS(X)
#undef X
};
#define CURL_SONAME "libcurl.so.4"

/* Loads the library SONAME and leaves it loaded. One that is missing or too old is an error with exit
 * status 4. */
int curl_load(const char *soname, struct curl *ret, struct err *e);
#endif
