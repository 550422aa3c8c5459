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

// maxLine is longer than any line that is written.
const maxLine = 64 << 10

var (
	// ErrTorn says that the log ends within a line: whatever wrote it was cut off.
	ErrTorn = errors.New("flight: the last line is torn")
	// ErrLine is wrapped by the errors about a line that is no record.
	ErrLine = errors.New("not a record")
)

// Read yields the records of a log, and an error that wraps ErrLine for each line that is none,
// after which it goes on; or an error of the reader, or ErrTorn, which is the last. It needs
// no more memory than a line.
func Read(log io.Reader) iter.Seq2[Record, error] {
	return func(yield func(Record, error) bool) {
		in := bufio.NewReaderSize(log, maxLine)
		p := parser{start: time.Unix(0, 0).UTC()}
		for {
			line, err := in.ReadSlice('\n')
			p.line++
			switch {
			case errors.Is(err, bufio.ErrBufferFull):
				if !yield(Record{Line: p.line}, p.wrong(errors.New("longer than 64 KiB"))) {
					return
				}
				err = skip(in)
			case err == nil:
				if !p.pass(string(line), yield) {
					return
				}
			case errors.Is(err, io.EOF) && len(line) > 0:
				err = ErrTorn
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

// pass yields what stands in a line, unless it is empty.
func (p *parser) pass(line string, yield func(Record, error) bool) bool {
	line = strings.TrimRight(line, "\r\n")
	if line == "" {
		return true
	}
	whole, ok := strings.CutSuffix(line, ";")
	if !ok {
		return yield(Record{Line: p.line}, p.wrong(errors.New("it was cut off")))
	}
	r, err := p.parse(whole)
	if err != nil {
		return yield(Record{Line: p.line, Kind: r.Kind}, p.wrong(err))
	}
	return yield(r, nil)
}

func (p *parser) wrong(err error) error {
	return fmt.Errorf("flight: line %d: %w: %w", p.line, ErrLine, err)
}

// skip reads on to the end of a line.
func skip(in *bufio.Reader) error {
	for {
		_, err := in.ReadSlice('\n')
		if !errors.Is(err, bufio.ErrBufferFull) {
			return err
		}
	}
}
