package evictlimit

import "time"

// window counts evictions within the last span: in eight parts of the span that are over, and the
// part that is under way. So each counts for a span, or up to an eighth longer.
type window struct {
	parts [9]int
	part  int64 // number of the latest part
}

// advance begins the part that is under way at now.
func (w *window) advance(now int64, span time.Duration) {
	part := now / max(int64(span)/8, 1)
	for w.part = max(w.part, part-int64(len(w.parts))); w.part < part; {
		w.part++
		*w.at(w.part) = 0
	}
}

func (w *window) at(part int64) *int { return &w.parts[part%int64(len(w.parts))] }

// add counts one more.
func (w *window) add(now int64, span time.Duration) {
	w.advance(now, span)
	*w.at(w.part)++
}

// takeBack removes the latest that was counted, if there is any.
func (w *window) takeBack() {
	for i := range int64(len(w.parts)) {
		if n := w.at(max(0, w.part-i)); *n > 0 {
			*n--
			return
		}
	}
}

// sum is how many there were within the span before now.
func (w *window) sum(now int64, span time.Duration) (n int) {
	w.advance(now, span)
	for _, k := range w.parts {
		n += k
	}
	return n
}
