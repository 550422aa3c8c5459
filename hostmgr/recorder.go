package hostmgr

import (
	"fmt"
	"io"
	"strconv"
	"time"
)

// maxRecords is how many bytes wait for the writer at most; then records are lost.
const maxRecords = 16 << 20

// endOfLine tells a line that is whole from one that was cut off.
const endOfLine = ";\n"

// maxSpare is how many of them are kept to be used again.
const maxSpare = 1 << 20

// A recorder is the flight recorder: it turns what happens into lines of text, whose format
// stands in package flight. They are put together under Registry.mu, which costs about a
// microsecond each, and written without any lock: under Run by a goroutine of its own, so that
// a writer that hangs keeps nobody waiting, else by Sweep.
type recorder struct {
	writer io.Writer
	kick   chan struct{} // there is something to write; one slot
	gate   chan struct{} // one slot: who has put something in may write
	begin  []byte        // the line that goes before all others; guarded by gate, nil once it is written

	// Guarded by Registry.mu.
	batch
	spare []byte // of what was written, to be used again
	begun bool   // a line that is not finished
	lost  uint64 // records, since the last that found room
	torn  bool   // the writer failed: what it wrote last may end anywhere

	sayAt  int64  // when a Write that fails may be logged next
	unsaid uint64 // records that were lost in such Writes since one was logged
}

// A batch is lines that wait for the writer.
type batch struct {
	buf  []byte
	kept uint64 // records in it
	told uint64 // records that it says are lost
}

// newRecorder begins the log; a nil recorder records nothing.
func newRecorder[M any](cfg Config[M], start time.Time) *recorder {
	if cfg.Recorder == nil {
		return nil
	}
	c := &recorder{writer: cfg.Recorder, kick: make(chan struct{}, 1), gate: make(chan struct{}, 1)}
	c.buf = append(c.buf, '\n') // what an earlier process wrote last may be torn
	c.line("begin", 0)
	c.num("version", 1)
	c.num("start", start.UnixNano())
	c.text("policy", describe(cfg.Policy))
	c.end()
	c.begin, c.batch = c.buf, batch{}
	return c
}

// describe names a policy as the replay command does.
func describe(p Policy) string {
	switch p := p.(type) {
	case Multiple:
		return fmt.Sprintf("fixed:%v", float64(p))
	case Tiered:
		p = p.withDefaults()
		return fmt.Sprintf("tiered:%v/%v", p.Jitter, p.Offline)
	case Adaptive:
		return fmt.Sprintf("phi:%v/%v/%v", p.withDefaults(0).Phi, p.Least, p.Most)
	default:
		return fmt.Sprintf("%T", p)
	}
}

// line begins a line, if there is room. What is added without room is dropped.
func (c *recorder) line(kind string, at int64) {
	if c.begun = len(c.buf) < maxRecords; !c.begun {
		c.lost++
		return
	}
	if c.torn {
		c.buf, c.torn = append(c.buf, '\n'), false
	}
	if c.lost > 0 {
		c.buf = append(c.buf, "lost"...)
		c.num("at", at)
		c.num("records", int64(c.lost))
		c.buf, c.told, c.lost = append(c.buf, endOfLine...), c.told+c.lost, 0
	}
	c.buf = append(c.buf, kind...)
	c.num("at", at)
}

func (c *recorder) end() {
	if c.begun {
		c.buf, c.begun = append(c.buf, endOfLine...), false
		c.kept++
	}
}

func (c *recorder) num(key string, v int64) {
	if c.begun {
		c.key(key)
		c.buf = strconv.AppendInt(c.buf, v, 10)
	}
}

// some is num, unless v is zero.
func (c *recorder) some(key string, v int64) {
	if v != 0 {
		c.num(key, v)
	}
}

func (c *recorder) text(key, v string) {
	if c.begun && v != "" {
		c.key(key)
		c.buf = appendQuoted(c.buf, v)
	}
}

// appendQuoted is strconv.AppendQuoteToASCII, but quick where there is nothing to escape.
func appendQuoted(to []byte, v string) []byte {
	for i := range len(v) {
		if b := v[i]; b < ' ' || b > '~' || b == '"' || b == '\\' {
			return strconv.AppendQuoteToASCII(to, v)
		}
	}
	return append(append(append(to, '"'), v...), '"')
}

func (c *recorder) key(key string) {
	c.buf = append(c.buf, ' ')
	c.buf = append(c.buf, key...)
	c.buf = append(c.buf, '=')
}

// recordJoin records that a life begins. As for all below, the caller holds mu, and there may
// be no recorder.
func (r *Registry[M]) recordJoin(l life[M], now int64) {
	if r.recorder == nil {
		return
	}
	r.recordHost("joined", l, now)
	r.recorder.num("incarnation", int64(l.key().incarnation))
	r.recorder.text("zone", r.zones.list[l.mark().zone].name)
	r.endRecord()
}

// recordSilence records a silence that is over, and what the policy thought of it: by one of the
// departures, or a sign of life that comes late.
func (r *Registry[M]) recordSilence(k Kind, l life[M], seen, now int64) {
	c, kind := r.recorder, "late"
	if k.departure() {
		kind = k.String()
	}
	if c == nil {
		return
	}
	t, p := l.learned()
	seen = min(seen, now) // the clock may have stepped back since
	r.recordHost(kind, l, now)
	c.num("seen", seen)
	c.num("patience", int64(t.evict))
	g := r.ledgerOf(&t)
	if at, due := g.due(seen, &t, now+1); due {
		c.num("due", at-1)
	}
	c.some("excused", r.between(&t, seen, now))
	if g.open(now) > 0 {
		c.num("deaf", g.last)
	}
	if h, held := l.held(); held && h.since <= now { // a contact may be heard of only after that
		c.text("held", h.by())
		c.num("since", h.since)
	}
	c.some("mean", int64(p.Mean))
	c.some("deviation", int64(p.Deviation))
	c.some("beats", int64(p.Beats))
	c.num("listened", min(r.ledger.last, now))
	r.endRecord()
}

// recordHold records a decision to put an eviction off.
func (r *Registry[M]) recordHold(l life[M], why string, now int64) {
	if r.recorder == nil {
		return
	}
	r.recordHost("held", l, now)
	r.recorder.text("by", why)
	r.endRecord()
}

// recordStall records a stall, or a gap, which is one for impatient hosts only.
func (r *Registry[M]) recordStall(kind string, s stall) {
	if c := r.recorder; c != nil {
		c.line(kind, s.to)
		c.num("from", s.from)
		c.num("limit", s.limit)
		if kind == "gap" {
			c.num("given", r.fine.given)
		}
		r.endRecord()
	}
}

func (r *Registry[M]) recordHost(kind string, l life[M], now int64) {
	r.recorder.line(kind, now)
	r.recorder.text("id", l.id())
	r.recorder.num("life", int64(l.key().number))
	r.recorder.num("interval", int64(l.terms().interval))
}

func (r *Registry[M]) endRecord() {
	if !r.recorder.begun {
		r.counts.RecordsLost++
	}
	r.recorder.end()
	r.recorded = true
}
