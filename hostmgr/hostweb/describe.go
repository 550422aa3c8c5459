package hostweb

import (
	"strings"
	"sync/atomic"
	"time"

	"github.com/hostlife/hostlife/clock"
)

const (
	maxAbout      = 256             // bytes of a text
	describeLimit = 2 * time.Second // for the search of a scan, for the texts of its pages, or of one departure
	maxDescribing = 8               // goroutines that call Describe, or have been left behind in it

	describePanicked = "(Describe panicked)"
	describeHangs    = "(Describe is too slow)"
)

// texts are the metadata of hosts that are shown, and where their texts go.
type texts[M any] struct {
	metadata []M
	to       []*string
}

func (t *texts[M]) add(metadata M, to *string) {
	t.metadata, t.to = append(t.metadata, metadata), append(t.to, to)
}

// describe sets the texts. A goroutine calls Describe for one host after the other, because a call
// may hang. If not all have returned within the limit, the goroutine is left behind, and the other
// texts say so. It calls Describe for no further host. running counts these goroutines of a
// Handler: while too many hang, Describe is not called.
//
// The goroutine never touches a text itself. It sends the texts, so what it makes after it was left
// behind goes nowhere.
func (t *texts[M]) describe(describe func(M) string, c clock.Clock, running *atomic.Int64, within time.Duration) {
	if describe == nil || len(t.to) == 0 {
		return
	}
	if running.Add(1) > maxDescribing {
		running.Add(-1)
		fill(t.to, describeHangs)
		return
	}
	var left atomic.Bool
	made := make(chan string, len(t.to)) // a send never waits
	go func() {
		defer running.Add(-1)
		defer close(made)
		for _, m := range t.metadata {
			if left.Load() {
				return
			}
			made <- about(describe, m)
		}
	}()
	limit := c.After(within)
	for i, to := range t.to {
		select {
		case text, ok := <-made:
			if !ok { // Describe called runtime.Goexit
				text = describePanicked
			}
			*to = text
		case <-limit:
			left.Store(true)
			fill(t.to[i:], describeHangs)
			return
		}
	}
}

// about returns Describe's text of a host, cut to 256 bytes.
func about[M any](describe func(M) string, metadata M) (text string) {
	defer func() {
		if recover() != nil {
			text = describePanicked
		}
	}()
	return cut(describe(metadata))
}

func fill(to []*string, text string) {
	for _, p := range to {
		*p = text
	}
}

// cut ends a text at the last whole rune that fits.
func cut(s string) string {
	if len(s) <= maxAbout {
		return s
	}
	return strings.ToValidUTF8(s[:maxAbout-len("…")], "") + "…"
}
