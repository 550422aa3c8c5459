package hostetcd

import (
	"encoding/binary"
	"errors"
	"fmt"
	"strings"
)

// A layout has the keys of a table.
//
//	NAMESPACE/epoch   a random text, made by the first feed that finds none
//	NAMESPACE/last    of the latest batch: see last
//	NAMESPACE/r/KEY   a record: see encodeRecord
type layout struct {
	all     string // the prefix of all keys
	epoch   string
	last    string
	records string // the prefix of records
}

func layoutOf(namespace string) layout {
	all := namespace + "/"
	return layout{all: all, epoch: all + "epoch", last: all + "last", records: all + "r/"}
}

func (l *layout) record(key string) string { return l.records + key }

// keyOf returns the key of a record, or false for another key.
func (l *layout) keyOf(key []byte) (string, bool) {
	k, ok := strings.CutPrefix(string(key), l.records)
	return k, ok && k != ""
}

// format is the first byte of each value, so that another layout can be told apart.
const (
	format     = 1
	headerSize = 1 + 8 // the format and a version
)

var errMalformed = errors.New("malformed value")

// encodeRecord returns the value of a record: the format, the version, and what it contains.
func encodeRecord(version uint64, value []byte) string {
	var b strings.Builder
	b.Grow(headerSize + len(value))
	var header [headerSize]byte
	header[0] = format
	binary.BigEndian.PutUint64(header[1:], version)
	b.Write(header[:])
	b.Write(value)
	return b.String()
}

// decodeRecord returns the version of a record, and what it contains. That is a part of b.
func decodeRecord(b []byte) (version uint64, value []byte, err error) {
	if len(b) < headerSize || b[0] != format {
		return 0, nil, fmt.Errorf("%w of %d bytes", errMalformed, len(b))
	}
	if version = binary.BigEndian.Uint64(b[1:]); version == 0 {
		return 0, nil, fmt.Errorf("%w: version 0", errMalformed)
	}
	return version, b[headerSize:len(b):len(b)], nil
}

// A last describes a batch. It is written with each one, as its last operation. So its revision is
// that of the table. An event of a deletion has no value: its version is here.
type last struct {
	version   uint64   // of the last change of the batch
	deletions []uint64 // the versions of the deletions, in the order of the batch
}

func (l *last) encode() string {
	b := make([]byte, 0, headerSize+8*len(l.deletions))
	b = append(b, format)
	b = binary.BigEndian.AppendUint64(b, l.version)
	for _, v := range l.deletions {
		b = binary.BigEndian.AppendUint64(b, v)
	}
	return string(b)
}

func decodeLast(b []byte) (l last, err error) {
	version, rest, err := decodeRecord(b)
	if err != nil || len(rest)%8 != 0 {
		return l, fmt.Errorf("%w of %d bytes", errMalformed, len(b))
	}
	l.version = version
	for ; len(rest) > 0; rest = rest[8:] {
		v := binary.BigEndian.Uint64(rest)
		if v == 0 {
			return last{}, fmt.Errorf("%w: version 0", errMalformed)
		}
		l.deletions = append(l.deletions, v)
	}
	return l, nil
}
