package flight

import "time"

// maxStalls is how many stalls are kept, as in a registry.
const maxStalls = 4096

// block is the number of stalls in one block of stall.longestPause. It divides maxStalls/2, so
// that blocks remain blocks when the older half of the stalls is dropped.
const block = 64

// A stall is a time during which the registry did not sweep.
type stall struct {
	from, to time.Time
	limit    time.Duration // the gap that it exceeded

	// Set by appendStall, so that a search need not visit all stalls:
	before       time.Duration // the length of all earlier stalls; only differences are meaningful
	pause        time.Duration // from the end of the stall before, plus its limit, to this stall
	longestPause time.Duration // of the first stall of each block: no pause in the block is longer
}

// appendStall appends s. If there are too many stalls it drops the older half, as a registry does.
func appendStall(stalls []stall, s stall) []stall {
	if len(stalls) == maxStalls {
		stalls = append(stalls[:0], stalls[maxStalls/2:]...)
	}
	n := len(stalls)
	if n > 0 {
		last := &stalls[n-1]
		s.before = last.before + last.to.Sub(last.from)
		s.pause = s.from.Sub(last.to) - last.limit
	}
	s.longestPause = s.pause
	stalls = append(stalls, s)
	first := &stalls[n-n%block]
	first.longestPause = max(first.longestPause, s.pause)
	return stalls
}
