package outage

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"path"
	"strings"
)

// guessLines is how many of the first lines of a file may tell its format: the very first ones may
// be damaged.
const guessLines = 20

// ErrFormat is wrapped by the error about a file of a format that is not recognized.
var ErrFormat = errors.New("its format is not recognized")

// suffixes tell the format of a file whose first lines do not.
var suffixes = map[string]Format{".tab": fta, ".tsv": fta, ".csv": simple, ".log": hostlife}

// guess sets the Format if it is missing: from the first lines of the file, or from its name.
func (s *Source) guess(in *input) error {
	if s.Format.read != nil {
		return nil
	}
	head, err := in.buf.Peek(in.buf.Size())
	line := firstLines(head)
	for _, l := range line {
		for _, f := range Formats {
			if f.fits(l) {
				s.Format = f
				return nil
			}
		}
	}
	if f, ok := suffixes[path.Ext(strings.TrimSuffix(strings.ToLower(s.Name), ".gz"))]; ok {
		s.Format = f
		return nil
	}
	switch {
	case in.err != nil:
		return in.err
	case len(line) > 0:
		return fmt.Errorf("%w: it begins with %q", ErrFormat, line[0][:min(len(line[0]), sampleBytes/2)])
	case err != nil && !errors.Is(err, io.EOF):
		return err
	}
	return fmt.Errorf("%w: it is empty", ErrFormat)
}

// firstLines returns lines that are neither empty nor a comment.
func firstLines(head []byte) (lines [][]byte) {
	for line := range bytes.Lines(head) {
		line = bytes.TrimRight(line, "\r\n")
		if len(line) > 0 && line[0] != '#' {
			lines = append(lines, line)
		}
		if len(lines) == guessLines {
			break
		}
	}
	return lines
}
