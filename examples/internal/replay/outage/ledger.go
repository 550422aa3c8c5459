package outage

import (
	"bytes"
	"cmp"
	"fmt"
	"slices"
)

// A Sample is one row of a file with something wrong.
type Sample struct {
	Kind Kind
	Line int    // its number, from 1
	Text string // the beginning of the row; of CutOff, the reason
}

// String returns the sample in one line, escaped.
func (s Sample) String() string { return fmt.Sprintf("line %d: %v: %q", s.Line, s.Kind, s.Text) }

// SamplesEach is how many rows of a kind are kept.
const SamplesEach = 3

const sampleBytes = 160 // of a row

// A ledger counts what is wrong with a file, and keeps the first rows of each kind.
type ledger struct {
	notes   Notes
	samples [kinds][]Sample
	line    int    // the number of the row at hand
	text    []byte // the row at hand; valid until the next one is read
}

// at makes another row the one at hand.
func (l *ledger) at(line int, text []byte) { l.line, l.text = line, bytes.TrimRight(text, "\r\n") }

// note counts the row at hand.
func (l *ledger) note(k Kind) {
	l.notes[k]++
	first := l.samples[k]
	if k == fine || len(first) == SamplesEach && first[SamplesEach-1].Line <= l.line {
		return
	}
	first = append(first[:min(len(first), SamplesEach-1)], Sample{k, l.line, string(l.text[:min(len(l.text), sampleBytes)])})
	slices.SortStableFunc(first, func(a, b Sample) int { return cmp.Compare(a.Line, b.Line) })
	l.samples[k] = first
}
