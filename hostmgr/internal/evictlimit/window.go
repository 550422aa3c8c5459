package evictlimit

import "time"

// A window counts evictions within the last span, in nine parts: the current eighth of the span and
// the eight before it. So each eviction counts for one span, or up to an eighth longer.
type window struct {
	parts [9]int
	part  int64 // number of the latest part
}

// advance clears each part that has begun since the last call.
func (w *window) advance(now int64, span time.Duration) {
	part := now / max(int64(span)/8, 1)
	for w.part = max(w.part, part-int64(len(w.parts))); w.part < part; {
		w.part++
		*w.at(w.part) = 0
	}
}

func (w *window) at(part int64) *int { return &w.parts[part%int64(len(w.parts))] }

// add counts one eviction.
func (w *window) add(now int64, span time.Duration) {
	w.advance(now, span)
	*w.at(w.part)++
}

// takeBack removes the latest eviction, if there is any.
func (w *window) takeBack() {
	for i := range int64(len(w.parts)) {
		if n := w.at(max(0, w.part-i)); *n > 0 {
			*n--
			return
		}
	}
}

// sum returns how many evictions there were within the span before now.
func (w *window) sum(now int64, span time.Duration) (n int) {
	w.advance(now, span)
	for _, k := range w.parts {
		n += k
	}
	return n
}
