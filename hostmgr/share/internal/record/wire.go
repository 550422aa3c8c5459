package record

import "encoding/binary"

// A writer is a value under construction.
type writer []byte

func newWriter(room int) writer { return append(make([]byte, 0, room), Protocol) }

func (w *writer) number(n uint64) { *w = binary.AppendUvarint(*w, n) }

func (w *writer) text(s string) {
	w.number(uint64(len(s)))
	*w = append(*w, s...)
}

// A reader takes a value apart. After an error it returns zero values.
type reader struct {
	rest []byte
	err  error
}

func newReader(value []byte) *reader {
	switch {
	case len(value) == 0:
		return &reader{err: ErrFormat}
	case value[0] != Protocol:
		return &reader{err: ErrProtocol}
	}
	return &reader{rest: value[1:]}
}

// check makes the value malformed unless ok.
func (r *reader) check(ok bool) {
	if !ok && r.err == nil {
		r.err = ErrFormat
	}
}

// number reads a varint in its shortest form.
func (r *reader) number() uint64 {
	n, size := binary.Uvarint(r.rest)
	r.check(size > 0)
	if r.err != nil {
		return 0
	}
	r.check(size == 1 || r.rest[size-1] != 0)
	r.rest = r.rest[size:]
	return n
}

// bytes reads a text of a limited length. The result is a part of the value, and nil if empty.
func (r *reader) bytes(most int) []byte {
	n := r.number()
	r.check(n <= uint64(most) && n <= uint64(len(r.rest)))
	if r.err != nil || n == 0 {
		return nil
	}
	b := r.rest[:n:n]
	r.rest = r.rest[n:]
	return b
}

func (r *reader) text(most int) string { return string(r.bytes(most)) }

// end returns the error of the value. It must have been read to its end.
func (r *reader) end() error {
	r.check(len(r.rest) == 0)
	return r.err
}
