package outage

import (
	"bufio"
	"bytes"
	"compress/gzip"
	"context"
	"errors"
	"io"
	"sync/atomic"
)

// A Format is one that traces come in.
type Format struct {
	Name, About string
	// read gathers what it finds in the file, and counts what it can't use. An error ends the
	// reading: the file can't be read any further.
	read func(*gatherer, *input) error
}

// Formats are all formats.
var Formats = []Format{fta, lanl, hostlife, simple}

// A Source says how to read a trace.
type Source struct {
	Format Format
	Limits Limits       // zero: DefaultLimits; of Memory alone, that of DefaultLimits
	Lines  atomic.Int64 // read so far
}

// Read reads a trace, packed by gzip or not. What is wrong with the file is counted in the
// trace's Notes, and never an error; only ctx's end is, and ErrTooLarge.
func (s *Source) Read(ctx context.Context, file io.Reader) (*Trace, error) {
	if s.Limits == (Limits{}) {
		s.Limits = DefaultLimits
	}
	if s.Limits.Memory == 0 {
		s.Limits.Memory = DefaultLimits.Memory
	}
	g := &gatherer{Limits: s.Limits, names: map[string]int32{}}
	in := &input{ctx: ctx, lines: &s.Lines, notes: &g.notes}
	in.open(file, s.Limits)
	err := s.Format.read(g, in)
	if errors.Is(err, ErrTooLarge) {
		return nil, g.tooMuch()
	}
	if err != nil && !errors.Is(err, io.EOF) {
		g.note(CutOff)
	}
	return g.trace(), ctx.Err()
}

// An input is a file, read line by line, in bounded memory.
type input struct {
	ctx   context.Context
	buf   *bufio.Reader
	err   error
	lines *atomic.Int64
	notes *Notes
}

// open unpacks the file if it is packed.
func (in *input) open(file io.Reader, l Limits) {
	head := bufio.NewReader(file)
	file = head
	if magic, _ := head.Peek(2); bytes.Equal(magic, []byte{0x1f, 0x8b}) {
		if packed, err := gzip.NewReader(head); err != nil {
			in.err = errDamaged
		} else {
			file = packed
		}
	}
	in.buf = bufio.NewReaderSize(&bounded{file, l.Bytes}, l.Line)
}

var (
	errTooMuch = errors.New("more than is read of a file")
	errDamaged = errors.New("not what gzip packs")
)

// A bounded reader fails after so many bytes: a small file may unpack to any size.
type bounded struct {
	r    io.Reader
	left int64
}

func (b *bounded) Read(p []byte) (int, error) {
	if b.left <= 0 {
		return 0, errTooMuch
	}
	n, err := b.r.Read(p[:min(int64(len(p)), b.left)])
	b.left -= int64(n)
	return n, err
}

// each gives every line that is worth looking at to row, and counts what that says it was. It
// returns why the file ended.
func (in *input) each(row func(line []byte) Kind) error {
	for n := 0; in.err == nil; n++ {
		if n%1024 == 0 && in.ctx.Err() != nil {
			return in.ctx.Err()
		}
		var line []byte
		var k Kind
		if line, k = in.line(); k == fine && len(line) > 0 && line[0] != '#' {
			k = row(line)
		}
		if k == tooLarge {
			return ErrTooLarge
		}
		in.lines.Add(1)
		in.notes[k]++
	}
	in.notes[fine] = 0
	return in.err
}

// line is the next line, without what ends it. The last one of a file that breaks off is not to
// be trusted, and dropped.
func (in *input) line() ([]byte, Kind) {
	line, err := in.buf.ReadSlice('\n')
	if errors.Is(err, bufio.ErrBufferFull) {
		return nil, in.tooLong()
	}
	if in.err = err; err != nil && !errors.Is(err, io.EOF) {
		return nil, fine
	}
	if bytes.IndexByte(line, 0) >= 0 {
		return nil, Binary
	}
	return bytes.TrimRight(line, "\r\n"), fine
}

// tooLong skips the rest of a line that is too long.
func (in *input) tooLong() Kind {
	for {
		_, err := in.buf.ReadSlice('\n')
		if !errors.Is(err, bufio.ErrBufferFull) {
			in.err = err
			return HugeLine
		}
	}
}
