package model

import (
	"reflect"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// caught lists faults of the protocol that are put back, each with seeds of a mix that catch it.
var caught = []struct {
	names        string // of the fields in defects
	mix          string
	first, seeds uint64
}{
	{"noWait", "none", 1, 10},
	{"noHistory", "lose", 95, 1},
	{"noHold", "none", 20, 10},
	{"noStall", "freeze", 1, 10},
	{"noChain", "lose", 1, 10},
	{"noQuiet noRemoval", "wipe", 20, 10}, // each alone is covered by the other
	{"oldName", "cut", 71, 10},
	{"earlyReady", "split+crash", 1, 10},
	{"noHandover", "crash", 1, 10},
	{"noLease", "freeze", 52, 1},
	{"lateClean", "freeze", 40, 10},
	{"takeClaimed", "none", 47, 1},
	{"goneApart", "none", 1, 10},
	{"alwaysBack", "cut", 1, 10},
	{"neverBack", "wipe", 1, 10},
	{"buryBlind", "down", 1, 10},
	{"noRemoval", "crash", 1, 10},
	{"noMemory", "none", 1, 10},
	{"noGone", "split", 1, 10},
	{"noDoubt", "split", 11, 10},
	{"longFence", "split", 1, 10},
	{"noRenumber", "cut", 39, 1},
}

// The oracle sees each fault of the protocol that is put back. The flags -first and -seeds search
// for more seeds that see one.
func TestEachFaultIsCaught(t *testing.T) {
	require.Len(t, caught, reflect.TypeFor[defects]().NumField())
	for _, row := range caught {
		t.Run(row.names, func(t *testing.T) {
			if *seedsFlag != 0 {
				row.first, row.seeds = *firstFlag, *seedsFlag
			}
			catches, first, what := 0, uint64(0), ""
			playAll(row.first, row.seeds, mixOf(t, row.mix), defectsOf(t, row.names), func(seed uint64, o *oracle) {
				if len(o.wrong) == 0 {
					return
				}
				if catches++; first == 0 || seed < first {
					first, what = seed, o.wrong[0]
				}
			})
			require.Positive(t, catches, "%d seeds of %s from %d", row.seeds, row.mix, row.first)
			t.Logf("| %s | %s | %d of %d from %d | %d | %s |", row.names, row.mix, catches, row.seeds, row.first, first, what)
		})
	}
}

func mixOf(t *testing.T, name string) faults {
	t.Helper()
	for _, mix := range mixes {
		if mix.name == name {
			return mix.faults
		}
	}
	t.Fatal("no mix has this name: ", name)
	return faults{}
}

// defectsOf returns defects with some fields set.
func defectsOf(t *testing.T, names string) (d defects) {
	t.Helper()
	for name := range strings.FieldsSeq(names) {
		f := reflect.ValueOf(&d).Elem().FieldByName(name)
		require.True(t, f.IsValid(), name)
		*(*bool)(f.Addr().UnsafePointer()) = true // the fields are not exported, so SetBool panics
	}
	return d
}
