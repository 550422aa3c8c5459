package recent

import (
	"maps"
	"math"
	"time"
)

const (
	maxKeptOut = 1 << 15
	scanPause  = int64(10 * time.Second)
)

// keptOut has the ids that are kept out.
type keptOut struct {
	ids      map[uint64]keepOut // by hash; nil if there is none
	earliest int64              // none ends before this
	scanned  int64              // when expire last looked at all
}

// A keepOut keeps out an incarnation, older ones, and 0.
type keepOut struct {
	incarnation uint64
	until       int64
}

func (k *keptOut) add(hash, incarnation uint64, now, until int64) (ok bool) {
	old, known := k.ids[hash]
	if !known && len(k.ids) >= maxKeptOut {
		if k.scan(now); len(k.ids) >= maxKeptOut {
			return false
		}
	}
	if k.ids == nil {
		k.ids, k.earliest = map[uint64]keepOut{}, math.MaxInt64
	}
	if known && now < old.until {
		incarnation, until = max(incarnation, old.incarnation), max(until, old.until)
	}
	k.ids[hash] = keepOut{incarnation, until}
	k.earliest = min(k.earliest, until)
	return true
}

// expire forgets what has ended, at most once in 10 seconds.
func (k *keptOut) expire(now int64) {
	if k.ids != nil && now-k.scanned >= scanPause {
		k.scan(now)
	}
}

// scan forgets what has ended.
func (k *keptOut) scan(now int64) {
	if now < k.earliest {
		return
	}
	maps.DeleteFunc(k.ids, func(_ uint64, v keepOut) bool { return now >= v.until })
	k.scanned, k.earliest = now, math.MaxInt64
	for _, v := range k.ids {
		k.earliest = min(k.earliest, v.until)
	}
	if len(k.ids) == 0 {
		*k = keptOut{}
	}
}
