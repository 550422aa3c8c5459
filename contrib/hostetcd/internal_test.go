package hostetcd

import (
	"bytes"
	"fmt"
	"testing"

	"github.com/stretchr/testify/require"
	"go.etcd.io/etcd/api/v3/mvccpb"
	clientv3 "go.etcd.io/etcd/client/v3"

	"github.com/hostlife/hostlife/hostmgr/share"
)

func TestValuesAreDecodedAsTheyWereEncoded(t *testing.T) {
	version, value, err := decodeRecord([]byte(encodeRecord(1<<63+7, []byte("value"))))
	require.NoError(t, err)
	require.Equal(t, uint64(1<<63+7), version)
	require.Equal(t, "value", string(value))
	want := last{version: 5, deletions: []uint64{1, 1<<64 - 1}}
	got, err := decodeLast([]byte(want.encode()))
	require.NoError(t, err)
	require.Equal(t, want, got)
}

// Whatever a hostile writer puts into the table, a decoder returns an error, or what has the same
// encoding.
func FuzzDecode(f *testing.F) {
	f.Add([]byte(encodeRecord(1, nil)))
	f.Add([]byte((&last{1, []uint64{2, 3}}).encode()))
	f.Add([]byte{})
	f.Fuzz(func(t *testing.T, b []byte) {
		if version, value, err := decodeRecord(b); err == nil && encodeRecord(version, value) != string(b) {
			t.Fatalf("%x is not what %d, %x is encoded to", b, version, value)
		}
		if l, err := decodeLast(b); err == nil && l.encode() != string(b) {
			t.Fatalf("%x is not what %v is encoded to", b, l)
		}
	})
}

// Each three bytes of the input, and what follows, are an event. Whatever they are, the changes
// follow one another, or there is an error.
func FuzzAssemble(f *testing.F) {
	f.Add([]byte("\x00\x01\x09"+encodeRecord(7, nil)+"\x01\x01\x09"+(&last{version: 7}).encode()), uint64(0))
	f.Add([]byte("\x00\x01\x09"+encodeRecord(7, nil)+"\x04\x01\x00"+"\x01\x01\x11"+(&last{8, []uint64{8}}).encode()), uint64(1))
	f.Fuzz(func(t *testing.T, b []byte, previous uint64) {
		keys := layoutOf("ns")
		a := assembler{keys: &keys, at: mark{1, previous}}
		at := a.at
		changes, err := a.add(fuzzEvents(b, &keys, previous))
		if err != nil {
			return
		}
		for i := range changes {
			c := &changes[i]
			require.Equal(t, at.version, c.Previous)
			require.GreaterOrEqual(t, c.Revision, at.revision)
			require.NotZero(t, c.Version)
			require.NotEmpty(t, c.Key)
			at = mark{c.Revision, c.Version}
		}
		require.Equal(t, at, a.at)
	})
}

func fuzzEvents(b []byte, keys *layout, previous uint64) (events []*clientv3.Event) {
	names := []string{keys.record("a"), keys.last, keys.epoch, keys.record(""), keys.record("b"), "ns/other"}
	before := &mvccpb.KeyValue{ModRevision: 1, Value: []byte((&last{version: previous}).encode())}
	for len(b) >= 3 {
		kv := &mvccpb.KeyValue{Key: []byte(names[int(b[0])%len(names)]), ModRevision: int64(b[1]), CreateRevision: int64(b[1] & 1)}
		n := min(int(b[2]), len(b)-3)
		kv.Value = b[3 : 3+n]
		b = b[3+n:]
		e := &clientv3.Event{Kv: kv, PrevKv: before}
		if n == 0 {
			e.Type = clientv3.EventTypeDelete
		}
		events = append(events, e)
	}
	return events
}

func TestASlowReaderIsBounded(t *testing.T) {
	in := inflow{cancel: func() {}, wake: make(chan struct{}, 1)}
	change := share.Change{Key: "a", Value: bytes.Repeat([]byte("v"), maxBehind/4)}
	for range 3 {
		require.NoError(t, in.add([]share.Change{change}, nil))
	}
	changes, err := in.take()
	require.Len(t, changes, 3)
	require.NoError(t, err)
	for range 3 {
		require.NoError(t, in.add([]share.Change{change}, nil))
	}
	require.ErrorIs(t, in.add([]share.Change{change}, nil), share.ErrGap)
	require.ErrorIs(t, in.add(nil, errWatchEnded), share.ErrGap, "the first error counts")
	changes, err = in.take()
	require.Empty(t, changes)
	require.ErrorIs(t, err, errSlow)
}

func TestPagesHaveAboutAMegabyte(t *testing.T) {
	for size, want := range map[int]int{0: largestPage, 100: largestPage, 1000: 1000, 64 << 10: 15, 2 << 20: 1} {
		page := make([]*mvccpb.KeyValue, 10)
		for i := range page {
			page[i] = &mvccpb.KeyValue{Key: []byte("key"), Value: make([]byte, size)}
		}
		require.InDelta(t, want, nextLimit(page), float64(want)/10, fmt.Sprint(size))
	}
}
