package hostmgr

import "time"

// A window counts what happened within the last span: in eight parts of it that are over,
// and the one that is under way.
type window struct {
	parts [9]int
	part  int64 // the number of the latest
}

// turn begins the part that is under way.
func (w *window) turn(now int64, span time.Duration) {
	part := now / max(int64(span)/8, 1)
	for w.part = max(w.part, part-int64(len(w.parts))); w.part < part; {
		w.part++
		*w.latest() = 0
	}
}

func (w *window) latest() *int { return &w.parts[w.part%int64(len(w.parts))] }

func (w *window) add(now int64, span time.Duration) {
	w.turn(now, span)
	*w.latest()++
}

// takeBack takes back the latest of them.
func (w *window) takeBack() {
	for i := range int64(len(w.parts)) {
		if part := &w.parts[max(0, w.part-i)%int64(len(w.parts))]; *part > 0 {
			*part--
			return
		}
	}
}

func (w *window) sum(now int64, span time.Duration) (n int) {
	w.turn(now, span)
	for _, k := range w.parts {
		n += k
	}
	return n
}
