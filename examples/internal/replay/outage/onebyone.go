package outage

import (
	"bufio"
	"errors"
)

// oneByOne is a reader that returns one line for each Read, or a part of one. So the line that its
// user has at hand is known.
type oneByOne struct {
	in    *bufio.Reader
	text  []byte // the beginning of the latest line
	begun bool   // more of the latest line follows
}

// Read implements io.Reader.
func (o *oneByOne) Read(p []byte) (int, error) {
	if len(p) < o.in.Size() {
		return o.in.Read(p) // no reader of lines asks for less than a line
	}
	part, err := o.in.ReadSlice('\n')
	if !o.begun {
		o.text = append(o.text[:0], part[:min(len(part), sampleBytes)]...)
	}
	o.begun = errors.Is(err, bufio.ErrBufferFull)
	if o.begun {
		err = nil
	}
	return copy(p, part), err
}
