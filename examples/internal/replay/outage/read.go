package outage

import (
	"bufio"
	"bytes"
	"cmp"
	"compress/gzip"
	"context"
	"errors"
	"io"
	"sync/atomic"
)

// A Format is one that traces come in.
type Format struct {
	Name, About string
	fits        func(line []byte) bool // whether a line may be of this format
	// read gathers what it finds in the file, and counts what it can't use. An error ends the
	// reading: the file can't be read any further.
	read func(*gatherer, *input) error
}

// Formats are all formats.
var Formats = []Format{fta, lanl, hostlife, simple}

// A Source says how to read a trace.
type Source struct {
	Name   string       // of the file
	Format Format       // zero: Read guesses and sets it
	Limits Limits       // zero: DefaultLimits; of Memory alone, that of DefaultLimits
	Lines  atomic.Int64 // read so far
}

// Read reads a trace, packed by gzip or not. What is wrong with the file is counted in the
// trace's Notes, and never an error; only ctx's end is, ErrFormat, and ErrTooLarge.
func (s *Source) Read(ctx context.Context, file io.Reader) (*Trace, error) {
	if s.Limits == (Limits{}) {
		s.Limits = DefaultLimits
	}
	if s.Limits.Memory == 0 {
		s.Limits.Memory = DefaultLimits.Memory
	}
	g := &gatherer{Limits: s.Limits, names: map[string]int32{}}
	in := &input{ctx: ctx, lines: &s.Lines, ledger: &g.ledger}
	in.open(file, s.Limits)
	if err := s.guess(in); err != nil {
		return nil, cmp.Or(ctx.Err(), err)
	}
	err := s.Format.read(g, in)
	if errors.Is(err, ErrTooLarge) {
		return nil, g.tooMuch()
	}
	if err != nil && !errors.Is(err, io.EOF) {
		g.at(g.line, []byte(err.Error()))
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
	*ledger
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
	if mark, _ := in.buf.Peek(len(byteOrderMark)); string(mark) == byteOrderMark {
		_, _ = in.buf.Discard(len(byteOrderMark))
	}
}

var (
	errTooMuch = errors.New("more than is read of a file")
	errDamaged = errors.New("damaged: it begins like a file of gzip, and is none")
)

// byteOrderMark begins files that some spreadsheets write.
const byteOrderMark = "\ufeff"

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
		line, k := in.next()
		in.at(n+1, line)
		if k == fine && len(line) > 0 && line[0] != '#' {
			k = row(line)
		}
		if k == tooLarge {
			return ErrTooLarge
		}
		if in.err == nil || len(line) > 0 {
			in.lines.Add(1)
		}
		in.note(k)
	}
	in.notes[fine] = 0
	return in.err
}

// next is the next line, without what ends it, or the beginning of one that is too long. The last
// one of a file that breaks off is not to be trusted, and dropped.
func (in *input) next() ([]byte, Kind) {
	line, err := in.buf.ReadSlice('\n')
	if errors.Is(err, bufio.ErrBufferFull) {
		return bytes.Clone(line[:min(len(line), sampleBytes)]), in.tooLong()
	}
	if in.err = err; err != nil && !errors.Is(err, io.EOF) {
		return nil, fine
	}
	if bytes.IndexByte(line, 0) >= 0 {
		return line, Binary
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
