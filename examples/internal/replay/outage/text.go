package outage

import (
	"strconv"
	"unicode/utf8"
)

// Printable is a text from outside as it may be shown: quoted if a terminal would take part of it for a
// command, or for the direction of what follows.
func Printable(s string) string {
	for _, c := range s {
		if c == utf8.RuneError || !strconv.IsPrint(c) {
			return strconv.Quote(s)
		}
	}
	return s
}
