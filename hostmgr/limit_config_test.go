package hostmgr_test

import (
	"math"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/hostlife/hostlife/hostmgr"
)

func TestEvictionLimitsThatAreNotValid(t *testing.T) {
	for why, limits := range map[string][]hostmgr.EvictionLimit{
		"MaxFraction is not between 0 and 1":    {{MaxFraction: -0.1}, {MaxFraction: 1.1}, {MaxFraction: math.NaN()}},
		"PerSecond is not a finite number":      {{PerSecond: math.NaN()}, {PerSecond: -1}, {PerSecond: math.Inf(1)}},
		"Hold is negative, or longer than 36 y": {{MaxFraction: 0.5, MaxHold: -1}, {MaxHold: 1<<60 + 1}},
	} {
		for _, g := range limits {
			_, err := hostmgr.New(hostmgr.Config[int]{EvictionLimit: g})
			require.ErrorIs(t, err, hostmgr.ErrInvalid, "%+v", g)
			require.ErrorContains(t, err, why, "%+v", g)
		}
	}
}

func TestEvictionLimitsWithExtremeValues(t *testing.T) {
	for _, row := range []struct {
		limit         hostmgr.EvictionLimit
		evicted, held int
	}{
		{hostmgr.EvictionLimit{MaxFraction: 1}, 10, 0},
		{hostmgr.EvictionLimit{PerSecond: math.MaxFloat64}, 10, 0},
		{hostmgr.EvictionLimit{PerSecond: math.SmallestNonzeroFloat64}, 0, 10},
		{hostmgr.EvictionLimit{MaxFraction: math.SmallestNonzeroFloat64, MaxHold: 1 << 60}, 0, 10},
		{hostmgr.EvictionLimit{MaxFraction: 0.5, MaxHold: 1}, 0, 10},
	} {
		s := newLimited(t, 10, hostmgr.Config[string]{EvictionLimit: row.limit})
		rep := s.after(3 * second)
		require.Equal(t, [2]int{row.evicted, row.held}, [2]int{rep.Evicted, rep.Held}, "%+v", row.limit)
		if row.limit.MaxHold == 1 {
			require.Equal(t, 10, s.after(1).Evicted)
		}
	}
}
