// Package machine reads how much processor time processes have taken, and how busy the machine is.
package machine

import "time"

// A Window is a stretch of time during which something is measured.
type Window struct {
	began       time.Time
	busy, ours  time.Duration
	measurable  bool
	descendants func() []int
}

// Load says what else the machine did during a Window. It is zero where that cannot be read.
type Load struct {
	Others  float64 `json:"others"`  // processors that other processes took, on average
	Average float64 `json:"average"` // the load average over a minute, at the end
}

// Open begins a Window. descendants returns the process ids of our children that run now.
func Open(descendants func() []int) *Window {
	w := &Window{began: time.Now(), descendants: descendants}
	w.busy, w.ours, w.measurable = w.read()
	return w
}

// Took is the time since Open.
func (w *Window) Took() time.Duration { return time.Since(w.began) }

// Close returns what happened since Open. The Window may be closed again later.
func (w *Window) Close() Load {
	busy, ours, ok := w.read()
	if !ok || !w.measurable {
		return Load{}
	}
	others := float64((busy - w.busy) - (ours - w.ours))
	return Load{max(0, others/float64(w.Took())), average()}
}

func (w *Window) read() (busy, ours time.Duration, ok bool) {
	busy, err := machineBusy()
	if err != nil {
		return 0, 0, false
	}
	ours, err = ownAndEnded()
	for _, pid := range w.descendants() {
		// A process that has just ended is in ownAndEnded.
		if t, err := Of(pid); err == nil {
			ours += t
		}
	}
	return busy, ours, err == nil
}
