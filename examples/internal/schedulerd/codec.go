package schedulerd

import (
	"time"

	"google.golang.org/grpc/encoding"
	"google.golang.org/grpc/mem"
)

// A message is an encoded answer. It is also the pool to which gRPC returns its bytes when it has
// sent or dropped them.
type message struct {
	data   []byte
	size   int // that it counts as
	client *client
	cut    *time.Timer
}

// Get is never called: bytes are only returned.
func (*message) Get(n int) *[]byte {
	b := make([]byte, n)
	return &b
}

// Put is called once, when the bytes are not used any more.
func (m *message) Put(*[]byte) {
	m.cut.Stop()
	m.client.release(m.size)
}

// isSmall tells whether a message is so small that gRPC does not return its bytes.
func isSmall(size int) bool { return mem.IsBelowBufferPoolingThreshold(size) }

// A codec passes on messages as they are.
type codec struct{ encoding.CodecV2 }

func (c codec) Marshal(v any) (mem.BufferSlice, error) {
	if m, ok := v.(*message); ok {
		return mem.BufferSlice{mem.NewBuffer(&m.data, m)}, nil
	}
	return c.CodecV2.Marshal(v)
}
