/* JSON of ours beside that of others. */
#ifndef BULLA_SHAPE_H
#define BULLA_SHAPE_H
#include <jansson.h>

/* A member that is a string. */
static inline const char *str(json_t *j, const char *key)
{
	const char *s = json_string_value(json_object_get(j, key));

	assert_non_null(s);
	return s;
}

/* Trustee takes members apart by name and type: ours are the same as in its own test data, with nothing more.
 */
static inline void assert_same_shape(json_t *got, json_t *want)
{
	const char *key;
	json_t *v;
	size_t i;

	assert_int_equal(json_typeof(got), json_typeof(want));
	if (json_is_array(want))
		assert_int_equal(json_array_size(got), json_array_size(want));
	json_array_foreach (want, i, v)
		assert_same_shape(json_array_get(got, i), v);
	if (json_is_object(want))
		assert_int_equal(json_object_size(got), json_object_size(want));
	json_object_foreach (want, key, v) {
		assert_non_null(json_object_get(got, key));
		assert_same_shape(json_object_get(got, key), v);
	}
}
#endif
