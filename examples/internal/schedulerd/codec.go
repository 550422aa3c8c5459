package schedulerd

import (
	"time"

	"google.golang.org/grpc/encoding"
	"google.golang.org/grpc/mem"
)

// A message is an answer that is encoded. It is the pool that gRPC gives its bytes back to when it
// has sent or dropped them.
type message struct {
	data   []byte
	size   int // that it counts as
	client *client
	cut    *time.Timer
}

// Get is never called: bytes only come back.
func (*message) Get(n int) *[]byte {
	b := make([]byte, n)
	return &b
}

// Put is called once, when nothing refers to the bytes any more.
func (m *message) Put(*[]byte) {
	m.cut.Stop()
	m.client.release(m.size)
}

// isSmall tells whether gRPC does not give back the bytes of so small a message.
func isSmall(size int) bool { return mem.IsBelowBufferPoolingThreshold(size) }

// A codec passes on messages as they are.
type codec struct{ encoding.CodecV2 }

func (c codec) Marshal(v any) (mem.BufferSlice, error) {
	if m, ok := v.(*message); ok {
		return mem.BufferSlice{mem.NewBuffer(&m.data, m)}, nil
	}
	return c.CodecV2.Marshal(v)
}
