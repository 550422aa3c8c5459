package index

import (
	"math/rand/v2"
	"testing"

	"github.com/stretchr/testify/require"
)

func TestADelayedOlderContactNeverStepsBack(t *testing.T) {
	w := contactWord{v: wordOf(10)}
	was, live := w.touch(5)
	require.True(t, live)
	require.Equal(t, int64(5), ContactOf(was))
	require.True(t, w.tryTouch(7))
	require.Equal(t, int64(10), ContactOf(w.load()))
	was, _ = w.touch(12)
	require.Equal(t, int64(10), ContactOf(was))
	require.Equal(t, int64(12), ContactOf(w.load()))
}

func TestTheNextContactOfASuspectReportsIt(t *testing.T) {
	w := contactWord{v: wordOf(10)}
	require.True(t, w.markSuspect(w.load()))
	require.True(t, IsSuspect(w.load()))
	require.Equal(t, WithSuspect(wordOf(10)), w.load())
	require.False(t, w.tryTouch(11), "the fast path leaves a suspect alone")
	was, _ := w.touch(9)
	require.False(t, IsSuspect(was), "an older contact does not say more")
	was, _ = w.touch(11)
	require.True(t, IsSuspect(was))
	require.False(t, IsSuspect(w.load()))

	require.True(t, w.clearSuspect(w.load()))
	require.False(t, w.markSuspect(was), "there was a contact")
	require.True(t, w.markSuspect(w.load()))
	require.True(t, w.clearSuspect(w.load()))
	require.Equal(t, wordOf(11), w.load())
}

func TestAnEvictionFailsAfterAContact(t *testing.T) {
	w := contactWord{v: wordOf(10)}
	v := w.load()
	w.touch(11)
	require.False(t, w.evict(v))
	require.True(t, w.evict(w.load()))
	require.False(t, w.live())
	_, live := w.touch(20)
	require.False(t, live)
	require.False(t, w.tryTouch(20))
	require.Equal(t, int64(11), ContactOf(w.load()), "the word still tells the last contact")
	require.Equal(t, int64(11), w.end())
}

func TestAFreeSlotTakesNoContact(t *testing.T) {
	w := contactWord{v: vacant}
	require.False(t, w.live())
	require.False(t, w.tryTouch(1))
}

func TestTheFirstWordAgainstASearch(t *testing.T) {
	rnd := rand.New(rand.NewPCG(1, 1))
	for range 1000 {
		words := make([]contactWord, 4*(1+rnd.IntN(20)))
		want := int64(vacant)
		for i := range words {
			switch words[i].v = rnd.Int64N(1 << 40); rnd.IntN(4) {
			case 0:
				words[i].v = vacant
			case 1:
				words[i].end()
			default:
				want = min(want, words[i].v)
			}
		}
		require.Equal(t, want, firstWord(words))
	}
}
