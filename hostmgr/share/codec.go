package share

import (
	"encoding/json"
	"fmt"
)

// A Codec encodes the metadata of hosts for the table. It should encode equal metadata equally:
// otherwise each announce is written, although nothing has changed.
type Codec[M any] interface {
	Encode(M) ([]byte, error)
	// Decode must not keep or change the bytes.
	Decode([]byte) (M, error)
}

// JSON returns a Codec that uses package encoding/json.
func JSON[M any]() Codec[M] { return jsonCodec[M]{} }

type jsonCodec[M any] struct{}

func (jsonCodec[M]) Encode(m M) ([]byte, error) { return json.Marshal(m) }

func (jsonCodec[M]) Decode(b []byte) (m M, err error) {
	err = json.Unmarshal(b, &m)
	return m, err
}

// A safeCodec turns panics into errors.
type safeCodec[M any] struct{ Codec[M] }

func (c safeCodec[M]) Encode(m M) (b []byte, err error) {
	defer recovered(&err)
	return c.Codec.Encode(m)
}

func (c safeCodec[M]) Decode(b []byte) (m M, err error) {
	defer recovered(&err)
	return c.Codec.Decode(b)
}

func recovered(err *error) {
	if p := recover(); p != nil {
		*err = fmt.Errorf("panic: %v", p)
	}
}
