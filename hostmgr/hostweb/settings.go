package hostweb

import (
	"cmp"
	"fmt"
	"os"
	"runtime/debug"
	"strings"
	"sync"
	"time"

	"github.com/hostlife/hostlife/hostmgr"
)

// A setting is a part of the line that says what is configured.
type setting struct {
	Name string `json:"name"`
	Text string `json:"text"`
}

// settings say what is configured, in the order of their importance.
func (h *Handler[M]) settings(sharing *sharingStats) []setting {
	c := h.Registry.Config()
	list := []setting{{"policy", policyText(c.Policy)}}
	if c.Shadow != nil {
		list = append(list, setting{"second policy", policyText(c.Shadow)})
	}
	return append(list,
		setting{"eviction limit", limitText(c.EvictionLimit)},
		setting{"Confirm", onOff(c.Confirm != nil)},
		setting{"stall threshold", thresholdText(c.StallThreshold)},
		setting{"most hosts", mostText(c.MaxHosts)},
		setting{"pacing", pacingText(c.Pacing)},
		setting{"share", shareText(sharing)},
		setting{"version", h.version()},
	)
}

func policyText(p hostmgr.Policy) string {
	switch p := p.(type) {
	case hostmgr.Fixed:
		return fmt.Sprintf("Fixed(%v)", float64(p))
	case hostmgr.Tiered:
		suspect, evict := p.Timeouts(hostmgr.History{Interval: time.Minute})
		return fmt.Sprintf("Tiered, suspect %s and evicted %s overdue", span(suspect-time.Minute), span(evict-time.Minute))
	case hostmgr.PhiAccrual:
		return "PhiAccrual" + thresholdOf(p.Threshold)
	default: // it may hang or panic in a String of its own
		return strings.TrimPrefix(fmt.Sprintf("%T", p), "*")
	}
}

func thresholdOf(phi float64) string {
	if phi == 0 {
		return ""
	}
	return fmt.Sprintf("(%v)", phi)
}

func limitText(l hostmgr.EvictionLimit) string {
	if l.MaxFraction == 0 && l.PerSecond == 0 {
		return "off"
	}
	text := fmt.Sprintf("%v evictions a second", l.PerSecond)
	if l.MaxFraction > 0 {
		text += fmt.Sprintf(" while more than %v %% are missing", 100*l.MaxFraction)
	}
	return text + ", hosts held for at most " + span(l.MaxHold)
}

func thresholdText(d time.Duration) string {
	switch {
	case d < 0:
		return "off"
	case d == 0:
		return "500 ms under Run"
	default:
		return span(d)
	}
}

func mostText(n int) string {
	if n == 0 {
		return "no limit"
	}
	return grouped(uint64(n))
}

func pacingText(p hostmgr.Pacing) string {
	if p == (hostmgr.Pacing{}) {
		return "off"
	}
	return fmt.Sprintf("%s to %s, %v contacts a second", span(p.Min), span(p.Max), p.PerSecond)
}

func shareText(s *sharingStats) string {
	if s == nil {
		return "off"
	}
	return several(s.MemberCount, "member")
}

func onOff(on bool) string {
	if on {
		return "on"
	}
	return "off"
}

// version is that of the program, and that of this module.
func (h *Handler[M]) version() string { return cmp.Or(h.Version, builtVersion()) }

const module = "github.com/hostlife/hostlife"

// builtVersion returns what the go command has noted in the program.
var builtVersion = sync.OnceValue(func() string {
	info, ok := debug.ReadBuildInfo()
	if !ok {
		return "unknown"
	}
	for _, dep := range info.Deps {
		if dep.Path == module {
			return "hostlife " + dep.Version
		}
	}
	return "hostlife " + cmp.Or(info.Main.Version, "unknown")
})

// replica names the process that the page is from.
func (h *Handler[M]) replica() string {
	if h.Replica == "" && h.Member != nil {
		return h.self()
	}
	return cmp.Or(h.Replica, machine())
}

// self is the name of the member, or its id.
func (h *Handler[M]) self() string {
	s := h.Member.Stats()
	for _, m := range s.Members {
		if m.Self {
			return cmp.Or(m.Name, m.ID)
		}
	}
	return s.ID
}

var machine = sync.OnceValue(func() string {
	name, err := os.Hostname()
	if err != nil {
		return "unknown"
	}
	return name
})
