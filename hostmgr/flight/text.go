package flight

import (
	"strconv"
	"unicode/utf8"
)

// maxKey is how much of a key an error repeats.
const maxKey = 40

// printable is text of a log as it may be shown: quoted if a terminal would take part of it for a
// command, or for the direction of what follows.
func printable(s string) string {
	for _, c := range s {
		if c == utf8.RuneError || !strconv.IsPrint(c) {
			return strconv.Quote(s)
		}
	}
	return s
}

// brief is the beginning of a text, printable.
func brief(s string) string {
	if len(s) > maxKey {
		s = s[:maxKey] + "..."
	}
	return printable(s)
}
