package outage

import (
	"fmt"
	"strings"
)

// A Kind is something that may be wrong with a row, or with the file.
type Kind int

// The kinds. A row of one of the first ones is skipped, and counts as one kind only; with the
// others nothing is lost that could be saved.
const (
	tooLarge  Kind = iota - 1 // there is no more memory for it, and the reading ends
	fine                      // nothing is wrong
	Malformed                 // not a row of this format
	Binary                    // a line with a zero byte
	HugeLine                  // a line that is too long
	UnknownState
	NoEnd    // an outage whose end is missing
	Negative // it ends before it begins
	ZeroLength
	AbsurdTime // before 1970, after 2100, or 10 years long
	BeyondLimit
	skipping // from here on nothing is skipped

	OutOfOrder // a row that begins before the one before it of its node
	Overlap    // of two outages of a node; they are one
	Touching   // likewise, if one begins when the other ends
	CutOff     // the file ends too early: damaged, a bad checksum, or more than is read
	kinds
)

var kindNames = [kinds]string{"", "malformed", "binary", "huge_line", "unknown_state", "no_end", "negative",
	"zero_length", "absurd_time", "beyond_limit", "", "out_of_order", "overlap", "touching", "cut_off"}

// String returns the kind in words.
func (k Kind) String() string { return strings.ReplaceAll(kindNames[k], "_", " ") }

// Notes count each Kind.
type Notes [kinds]int

// Skipped is the number of rows that were skipped.
func (n *Notes) Skipped() (sum int) {
	for k := fine + 1; k < skipping; k++ {
		sum += n[k]
	}
	return sum
}

// Named are the counts that are not zero.
func (n *Notes) Named() map[string]int {
	named := map[string]int{}
	for k, count := range n {
		if count > 0 {
			named[kindNames[k]] = count
		}
	}
	return named
}

// String says it in a line; empty if there is nothing to say.
func (n *Notes) String() string {
	var parts []string
	for k, count := range n {
		if count > 0 {
			parts = append(parts, fmt.Sprintf("%v %d", Kind(k), count))
		}
	}
	return strings.Join(parts, ", ")
}
