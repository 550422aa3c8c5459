package record_test

import (
	"bytes"
	"math"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/hostlife/hostlife/hostmgr/share/internal/record"
)

func someHost() record.Host {
	return record.Host{
		Registration: math.MaxUint64, Keeper: "member", Asked: true,
		Content: record.Content{
			Incarnation: 7, Assigned: true, Interval: 30e9, Zone: "z", Metadata: []byte(`{"a":1}`),
		},
	}
}

func TestRecordsSurviveTheWire(t *testing.T) {
	m := record.Member{Counter: 1, Read: 2, Version: math.MaxUint64, Lapse: 5e9, Name: "scheduler-1"}
	gotM, err := record.DecodeMember(m.Encode())
	require.NoError(t, err)
	require.Equal(t, m, gotM)

	h := someHost()
	gotH, err := record.DecodeHost(h.Encode())
	require.NoError(t, err)
	require.Equal(t, h, gotH)

	g := record.Gone{Kind: 2, Evidence: []byte("{}"), Cleaner: "member", Host: h}
	gotG, err := record.DecodeGone(g.Encode())
	require.NoError(t, err)
	require.Equal(t, g, gotG)
	g.Done = true
	gotG, err = record.DecodeGone(g.Encode())
	require.NoError(t, err)
	require.Equal(t, g, gotG)
}

func TestEachFlagIsItsOwn(t *testing.T) {
	seen := map[string]bool{}
	for i := range 32 {
		h := someHost()
		h.Assigned, h.Suspect, h.Asked, h.Claimed, h.NoMetadata = i&1 != 0, i&2 != 0, i&4 != 0, i&8 != 0, i&16 != 0
		h.Metadata = nil
		v := h.Encode()
		require.False(t, seen[string(v)])
		seen[string(v)] = true
		got, err := record.DecodeHost(v)
		require.NoError(t, err)
		require.Equal(t, h, got)
	}
}

func TestTheLargestRecordFitsAValue(t *testing.T) {
	h := someHost()
	h.Metadata = bytes.Repeat([]byte{1}, record.MaxMetadata)
	h.Zone, h.Keeper = strings.Repeat("z", 1024), strings.Repeat("k", 64)
	g := record.Gone{Kind: 1, Evidence: bytes.Repeat([]byte{1}, 3<<10), Cleaner: h.Keeper, Host: h}
	require.LessOrEqual(t, len(g.Encode()), 65<<10)
	_, err := record.DecodeGone(g.Encode())
	require.NoError(t, err)
}

func TestEvidenceThatIsTooLongIsLeftOut(t *testing.T) {
	g := record.Gone{Kind: 1, Evidence: make([]byte, 64<<10), Cleaner: "m", Host: someHost()}
	got, err := record.DecodeGone(g.Encode())
	require.NoError(t, err)
	require.Empty(t, got.Evidence)
}

func TestMalformedValuesAreRefused(t *testing.T) {
	h := someHost()
	good := h.Encode()
	for name, v := range map[string][]byte{
		"empty":     nil,
		"cut":       good[:len(good)-1],
		"longer":    append(bytes.Clone(good), 0),
		"flag":      append([]byte{record.Protocol, 32}, good[2:]...),
		"long form": append([]byte{record.Protocol, good[1] | 0x80, 0}, good[2:]...),
		"no varint": {record.Protocol, 0xff},
	} {
		_, err := record.DecodeHost(v)
		require.ErrorIs(t, err, record.ErrFormat, name)
	}
	other := append([]byte{record.Protocol + 1}, good[1:]...)
	_, err := record.DecodeHost(other)
	require.ErrorIs(t, err, record.ErrProtocol)
}

func TestKeysOfAnyHost(t *testing.T) {
	for _, id := range []string{"a", "a/b", "/", "m/x", "gone/x/1", "1", "\x00\xff", strings.Repeat("x", 1024)} {
		require.Equal(t, record.Key{Kind: record.KindHost, ID: id}, record.ParseKey(record.HostKey(id)))
		gone := record.Key{Kind: record.KindGone, ID: id, Registration: math.MaxUint64}
		require.Equal(t, gone, record.ParseKey(record.GoneKey(id, math.MaxUint64)))
		require.LessOrEqual(t, len(record.GoneKey(id, math.MaxUint64)), 1100)
	}
	require.Equal(t, record.Key{Kind: record.KindMember, ID: "x"}, record.ParseKey(record.MemberKey("x")))
	for _, key := range []string{
		"", "h/", "m/", "x/y", "gone/", "gone/1", "gone//1", "gone/a/", "gone/a/01", "gone/a/-1", "gone/a/x",
		"m/" + strings.Repeat("x", 65), "h/" + strings.Repeat("x", 1025),
	} {
		require.Equal(t, record.Key{}, record.ParseKey(key), key)
	}
}

// A value that is accepted is the one that Encode returns for it, so there is one value for each
// record. No value makes a function panic.
func FuzzDecode(f *testing.F) {
	h := someHost()
	m := record.Member{Counter: 1, Lapse: 1, Name: "x"}
	g := record.Gone{Kind: 3, Cleaner: "m", Host: h}
	f.Add(h.Encode())
	f.Add(m.Encode())
	f.Add(g.Encode())
	f.Add([]byte(nil))
	f.Fuzz(func(t *testing.T, v []byte) {
		if m, err := record.DecodeMember(v); err == nil {
			require.Equal(t, v, m.Encode())
		}
		if h, err := record.DecodeHost(v); err == nil {
			require.Equal(t, v, h.Encode())
		}
		if g, err := record.DecodeGone(v); err == nil {
			require.Equal(t, v, g.Encode())
		}
	})
}

func FuzzParseKey(f *testing.F) {
	f.Add("gone/a/b/7")
	f.Fuzz(func(t *testing.T, key string) {
		switch k := record.ParseKey(key); k.Kind {
		case record.KindHost:
			require.Equal(t, key, record.HostKey(k.ID))
		case record.KindMember:
			require.Equal(t, key, record.MemberKey(k.ID))
		case record.KindGone:
			require.Equal(t, key, record.GoneKey(k.ID, k.Registration))
		}
	})
}
