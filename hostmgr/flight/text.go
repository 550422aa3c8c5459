package flight

import (
	"strconv"
	"unicode/utf8"
)

// maxKey is how many bytes of a key an error repeats.
const maxKey = 40

// printable returns text of a log in a form that is safe to show. It quotes the text if a terminal
// would take a part of it as a command, or as the direction of the text after it.
func printable(s string) string {
	for _, c := range s {
		if c == utf8.RuneError || !strconv.IsPrint(c) {
			return strconv.Quote(s)
		}
	}
	return s
}

// shorten returns the beginning of a text in a printable form.
func shorten(s string) string {
	if len(s) > maxKey {
		s = s[:maxKey] + "..."
	}
	return printable(s)
}
