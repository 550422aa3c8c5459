package index

import (
	"fmt"
	"math/bits"
	"math/rand/v2"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// twins returns two indexes with the same hosts in the same slots. Some hosts are suspect, some
// have ended, and some share their hash with another id.
func twins(rnd *rand.Rand, hosts int) (x, y *Index) {
	x, y = New(valuesOf[string](), false), New(valuesOf[string](), false)
	y.seed = x.seed
	for i := range hosts {
		id := fmt.Sprint(i)
		h, kind := x.Hash(id), rnd.IntN(10)
		for _, index := range []*Index{x, y} {
			e := insertAt(index, h, id, uint64(i), every(time.Duration(i+1)), second)
			switch kind {
			case 0:
				e.MarkSuspect(e.Word())
			case 1:
				end(index, e)
			case 2:
				insertAt(index, h, "another "+id, uint64(hosts+i), everySecond, second)
			}
		}
	}
	return x, y
}

// word returns the contact word that a heartbeat of this hash finds.
func word(x *Index, h Hash) int64 {
	if e, ok := x.Find(h); ok {
		return e.Word()
	}
	return -1
}

// A batch of any size does to each host what Touch does, also to one that is in the batch twice.
func TestABatchDoesWhatTouchDoes(t *testing.T) {
	rnd := rand.New(rand.NewPCG(1, 2))
	x, y := twins(rnd, 5000)
	refusals := 0
	var b Batch
	for round := range 400 {
		at := second + int64(rnd.IntN(1000)) // it may go back
		ids := make([]string, rnd.IntN(BatchSize+1))
		for i := range ids {
			ids[i] = fmt.Sprint(rnd.IntN(5500)) // some are unknown
			if i > 0 && rnd.IntN(10) == 0 {
				ids[i] = ids[i-1]
			}
		}
		x.FetchBatch(ids, &b)
		refused := x.TouchBatch(&b, len(ids), at)
		require.Zero(t, refused&^(1<<len(ids)-1), "no others")
		for i, id := range ids {
			h := y.Hash(id)
			require.Equal(t, h, b.Hashes[i])
			header, ok := y.Touch(h, 0, at)
			require.Equal(t, ok, refused&(1<<i) == 0, "%s in round %d", id, round)
			require.Equal(t, header, b.Headers[i])
			if !ok {
				refusals++
			}
		}
		for _, id := range ids {
			require.Equal(t, word(y, y.Hash(id)), word(x, x.Hash(id)))
		}
	}
	require.Greater(t, refusals, 1000)
}

// Between FetchBatch and TouchBatch the bucket is split. The contact reaches the new buckets.
func TestABatchFollowsAHostToAnotherBucket(t *testing.T) {
	x := New(valuesOf[string](), false)
	var ids []string
	for i := range 1000 {
		insert(x, fmt.Sprint(i), uint64(i), everySecond, second)
		if i < BatchSize {
			ids = append(ids, fmt.Sprint(i))
		}
	}
	var b Batch
	x.FetchBatch(ids, &b)
	x.rebuild(splitBits, x.bucket(1))
	refused := x.TouchBatch(&b, len(ids), 2*second)
	require.Less(t, bits.OnesCount64(refused), 16, "only searches that reached the end of a bucket")
	for i, id := range ids {
		e, ok := x.Lookup(x.Hash(id), id)
		require.True(t, ok)
		if refused&(1<<i) == 0 {
			require.Equal(t, 2*second, ContactOf(e.Word()))
		}
	}
}

// A batch comes while a bucket is split, or while buckets are merged. Each contact is there
// afterwards, or was refused.
func TestNoContactOfABatchIsLostByARebuild(t *testing.T) {
	x := New(valuesOf[string](), false)
	var ids []string
	for i := range BatchSize {
		ids = append(ids, fmt.Sprint(i))
		insert(x, ids[i], uint64(i), everySecond, 0)
	}
	for at := int64(1); at <= 2000; at++ {
		var b Batch
		refused := uint64(0)
		var sender sync.WaitGroup
		sender.Go(func() {
			x.FetchBatch(ids, &b)
			refused = x.TouchBatch(&b, BatchSize, at)
		})
		if old := x.bucket(1); old.depth == 0 {
			x.rebuild(splitBits, old)
		} else {
			siblings, _ := x.siblings(old)
			x.rebuild(0, siblings...)
		}
		sender.Wait()
		for i, id := range ids {
			e, ok := x.Lookup(b.Hashes[i], id)
			require.True(t, ok)
			require.True(t, ContactOf(e.Word()) == at || refused&(1<<i) != 0, "contact %d of host %d", at, i)
		}
	}
}

// A batch asks for hosts that join at this moment. It reads nothing of a slot that an insertion is
// filling in: this test says so with the race detector only.
func TestABatchReadsNoSlotThatIsNotPublished(t *testing.T) {
	x := New(valuesOf[string](), false)
	var ids []string
	for i := range BatchSize {
		ids = append(ids, fmt.Sprint(i))
	}
	var sender sync.WaitGroup
	begun := make(chan struct{})
	sender.Go(func() {
		var b Batch
		for n := range 1000 {
			x.FetchBatch(ids, &b)
			if n == 0 {
				close(begun)
			}
		}
	})
	<-begun
	for i, id := range ids {
		insert(x, id, uint64(i), everySecond, second)
	}
	sender.Wait()
}
