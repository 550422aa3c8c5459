package evictlimit

import (
	"math"
	"testing"

	"github.com/stretchr/testify/require"
)

func TestParseReason(t *testing.T) {
	for _, r := range []Reason{
		{},
		{Kind: KindRate, PerSecond: 0.5}, {Kind: KindRate, PerSecond: 1e-9}, {Kind: KindRate, PerSecond: math.MaxFloat64},
		{Kind: KindZone, Missing: 3, Total: 4}, {Kind: KindZone, Missing: 3, Total: 4, Zone: "a"},
		{Kind: KindZone, Missing: 1, Total: math.MaxInt, Zone: "a \"b\"\n\xff\x00 %d ` are missing; then ü"},
		{Kind: KindAll, Missing: 30, Total: 40},
		{Kind: KindRecent},
		{Kind: KindOther, Zone: "the moon is full"},
	} {
		require.Equal(t, r, ParseReason(r.String()), "%+v", r)
	}
}

// The texts that no version of String returns are kept.
func FuzzParseReason(f *testing.F) {
	for _, text := range []string{
		"eviction limit: 03 of 4 hosts are missing", "eviction limit: 3 of 4 hosts of zone `a` are missing",
		"eviction limit: 3 of 4 hosts are missing ", "eviction limit: at most 5e-1 evictions a second", " ", "\xff",
	} {
		f.Add(text)
	}
	f.Fuzz(func(t *testing.T, text string) {
		require.Equal(t, text, ParseReason(text).String())
	})
}
