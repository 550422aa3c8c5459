// Package effort tells tests how often they are to try something.
package effort

import "os"

// Long reports whether the tests run as for RELIABILITY.md, however long they take: HOSTLIFE_LONG=1
// says so.
func Long() bool { return os.Getenv("HOSTLIFE_LONG") == "1" }

// Full reports whether all cases are to be tested, not only some of each kind. CI=true says so, and
// so does Long.
func Full() bool { return Long() || os.Getenv("CI") == "true" }

// Times returns how often a test tries something at random: many times if Long, few times if Full,
// and otherwise a third of few. That third is never less than ten, unless few itself is.
func Times[N int | uint64](few, many N) N {
	switch {
	case Long():
		return many
	case Full():
		return few
	}
	return max(few/3, min(few, 10))
}
