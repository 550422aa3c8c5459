package flight

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"iter"
	"strings"
	"time"
)

// maxLine is longer than any line that a registry writes.
const maxLine = 64 << 10

var (
	// ErrTruncated says that the log ends within a line: its writer was interrupted.
	ErrTruncated = errors.New("flight: the last line is truncated")
	// ErrLine is wrapped by the errors about a line that is not a record.
	ErrLine = errors.New("not a record")
)

// Read returns the records of a log. A line that is not a record yields an error that wraps
// ErrLine, and reading goes on. An error of the reader, or ErrTruncated, is the last element. Read
// needs memory for one line only.
func Read(log io.Reader) iter.Seq2[Record, error] {
	return func(yield func(Record, error) bool) {
		in := bufio.NewReaderSize(log, maxLine)
		p := parser{start: time.Unix(0, 0).UTC()}
		for {
			line, err := in.ReadSlice('\n')
			p.line++
			switch {
			case errors.Is(err, bufio.ErrBufferFull):
				if !yield(Record{Line: p.line}, p.wrap(errors.New("longer than 64 KiB"))) {
					return
				}
				err = skipLine(in)
			case err == nil:
				if !p.yieldLine(string(line), yield) {
					return
				}
			case errors.Is(err, io.EOF) && len(line) > 0:
				err = ErrTruncated
			}
			if errors.Is(err, io.EOF) {
				return
			}
			if err != nil {
				yield(Record{Line: p.line}, err)
				return
			}
		}
	}
}

// yieldLine yields the record of a line, unless the line is empty.
func (p *parser) yieldLine(line string, yield func(Record, error) bool) bool {
	line = strings.TrimRight(line, "\r\n")
	if line == "" {
		return true
	}
	whole, ok := strings.CutSuffix(line, ";")
	if !ok {
		return yield(Record{Line: p.line}, p.wrap(errors.New("it was cut off")))
	}
	r, err := p.parse(whole)
	if err != nil {
		return yield(Record{Line: p.line, Kind: r.Kind}, p.wrap(err))
	}
	return yield(r, nil)
}

func (p *parser) wrap(err error) error {
	return fmt.Errorf("flight: line %d: %w: %w", p.line, ErrLine, err)
}

// skipLine reads to the end of a line.
func skipLine(in *bufio.Reader) error {
	for {
		_, err := in.ReadSlice('\n')
		if !errors.Is(err, bufio.ErrBufferFull) {
			return err
		}
	}
}
