package announcer

import (
	"cmp"
	"log/slog"
	"math"
	"math/rand/v2"
	"time"

	"github.com/hostlife/hostlife/hostmgr"
)

// A core decides what one host does about one target. It has no goroutine, reads no clock, and
// calls nothing but the logger, so that a test can run years of it. See schedule for times.
//
//	for now >= nextAttempt() { begin }
//	end, for each attempt that has returned or is left behind
type core struct {
	schedule
	configured  time.Duration // interval
	heartbeats  bool          // the target takes them
	incarnation uint64
	log         *slog.Logger

	begun, over     uint64        // the number of the latest attempt; answers to those below over are ignored
	untimed         uint64        // the attempts up to this number were under way while the process was paused
	known           bool          // the host is registered, as far as it knows
	describe        uint64        // an attempt with this number or a later one must announce the host; 0: none
	phased          bool          // the schedule has its random phase
	joined, raised  bool          // in this Run
	mayBeRegistered bool          // an announce was accepted, or its answer was lost
	registration    uint64        // in the latest Ack; 0 if the host is not known
	longest         time.Duration // interval that the registry may compute the timeouts from
	contact         int64         // when the latest accepted attempt began
	failures        uint64
	err             error // of the latest failure, or of the stop
	stopped         bool
	owed            owed
	told            time.Duration // the interval that was logged last
}

// An attempt is one call of Announce or Heartbeat. Its incarnation and interval are those that it
// names.
type attempt struct {
	number       uint64 // from 1
	began, limit int64
	heartbeat    bool
	incarnation  uint64
	interval     time.Duration
}

// An outcome is what an attempt has returned.
type outcome struct {
	ack    hostmgr.Ack
	action Action // if err is not nil
	err    error
}

func newCore(r *rand.Rand, interval time.Duration, incarnation uint64, heartbeats bool, log *slog.Logger) *core {
	return &core{
		schedule: newSchedule(r, finite(interval)), configured: interval, told: interval,
		heartbeats: heartbeats, incarnation: incarnation, log: log,
	}
}

// finite returns the interval by which attempts are planned.
func finite(configured time.Duration) time.Duration {
	if configured == hostmgr.Never {
		return hostmgr.DefaultInterval
	}
	return configured
}

// named returns the interval that an announcement names.
func (c *core) named() time.Duration {
	if c.configured == hostmgr.Never {
		return hostmgr.Never
	}
	return c.interval
}

// begin begins an attempt at the time nextAttempt, or later.
//
// A heartbeat does not name the interval. So an announce does if the registry may compute the
// timeouts from a much longer one.
func (c *core) begin(now int64) attempt {
	announces := !c.heartbeats || !c.known || c.describe > 0 || c.interval < c.longest*3/4
	c.begun++
	return attempt{c.begun, now, c.schedule.begin(now), !announces, c.incarnation, c.named()}
}

// end ends an attempt. Others may have overtaken it.
func (c *core) end(a attempt, o outcome, now int64) {
	c.flights--
	answered := o.err == nil || o.action != Retry
	if answered && a.number > c.untimed {
		c.answers.add(time.Duration(now - a.began))
	}
	if o.err == nil || o.action == Retry {
		c.mayBeRegistered = true
	}
	switch outdated := c.isOver(a) || a.incarnation != c.incarnation || a.heartbeat && !c.known; {
	case outdated || c.stopped:
		return
	case answered:
		c.over = a.number
	}
	if o.err == nil {
		c.accept(a, o.ack)
		return
	}
	c.fail(o.err)
	c.react(a, o, now)
}

func (c *core) accept(a attempt, ack hostmgr.Ack) {
	interval := ack.Interval
	if !isInterval(interval) || c.configured == hostmgr.Never {
		interval = c.configured // an earlier advice may be another registry's
	}
	c.longest = max(c.longest, interval)
	if !a.heartbeat {
		c.longest = max(a.interval, interval)
	}
	c.tell(ack, interval)
	planned := c.next
	c.schedule.accept(a.began, finite(interval))
	if c.spreadOnce(); interval == hostmgr.Never {
		c.next = never
	}
	if c.describe > a.number { // this one began before
		c.next = min(c.next, planned)
	} else {
		c.describe = 0
		c.over = c.begun + 1 // the others under way are for the same contact
	}
	if c.isEcho(a, ack) {
		c.interval = c.configured
		c.refresh(a.began)
	}
	ack.Interval, ack.Incarnation = interval, cmp.Or(ack.Incarnation, a.incarnation)
	c.owed.accepted(ack, !a.heartbeat)
	c.known, c.joined, c.registration = true, true, ack.Registration
	c.contact, c.failures, c.err = a.began, 0, nil
}

// isOver reports whether the answer to an attempt is not needed any more.
func (c *core) isOver(a attempt) bool { return a.number < c.over }

// ignore is called before the host leaves. From then on, the answers to the attempts under way are
// ignored: an attempt that arrives after the leave is refused as stale.
func (c *core) ignore() { c.over = c.begun + 1 }

// isEcho reports whether the registry may have lost its advice. If it restarted, and advises none
// now, it answers with the interval that the host announced by the former advice. The host would
// keep that for ever. So it announces the configured one.
func (c *core) isEcho(a attempt, ack hostmgr.Ack) bool {
	return c.registration != 0 && ack.Registration != c.registration && c.interval == a.interval && c.interval != c.configured
}

// spreadOnce gives the host a random phase after the first answer.
func (c *core) spreadOnce() {
	if !c.phased {
		c.phased = true
		c.spread()
	}
}

// tell logs what is new in an Ack. A registry may advise a slightly different interval each time,
// so small changes are not logged.
func (c *core) tell(ack hostmgr.Ack, interval time.Duration) {
	switch {
	case !c.known, ack.Registration != c.registration:
		c.log.Info("the host is registered",
			"registration", ack.Registration, "incarnation", c.incarnation, "interval", interval)
	case c.failures > 0:
		c.log.Info("the contacts succeed again", "failures", c.failures)
	}
	if interval < c.told*3/4 || interval > c.told*5/4 {
		c.log.Info("the interval changes", "from", c.told, "to", interval)
		c.told = interval
	}
}

func (c *core) fail(err error) {
	c.failures++
	c.err = err
	if c.failures == 1 {
		c.log.Warn("a contact failed, it is repeated", "err", err)
	}
}

// react does what the action of a failed attempt says.
func (c *core) react(a attempt, o outcome, now int64) {
	switch {
	case o.action == RetryLater:
		c.later(now)
	case o.action == AnnounceAgain && a.heartbeat:
		c.forgotten()
		c.hurry(now)
	case o.action == Stale:
		c.stale(o, now)
	case o.action == GiveUp:
		c.stop(o.err, "the host is refused for good")
	}
}

// later waits for the next due time. The host may not be registered any more, so it announces
// itself then.
func (c *core) later(now int64) {
	c.forgotten()
	c.plan(now)
	c.spreadOnce()
}

// forgotten is called when the registration is over, as far as the host knows. Then the advice is
// void too.
func (c *core) forgotten() {
	c.known, c.registration, c.interval = false, 0, finite(c.configured)
	c.owed.over()
}

// stale decides what to do when the incarnation is refused.
//
// A host that was registered has been replaced, or was made to leave. Otherwise its clock may have
// gone back, and its former process is still registered: then it takes an incarnation above that.
// It does so once, so that two processes do not take the id from each other for ever. If it is not
// known which incarnation refused, the host waits. The registry bounds how long it refuses: see
// hostmgr.Announcement.Incarnation.
func (c *core) stale(o outcome, now int64) {
	refused := o.ack.Incarnation
	switch {
	case c.joined, c.raised:
		c.stop(o.err, "another process has the id, or the host was made to leave")
	case refused >= c.incarnation && refused < math.MaxUint64:
		c.log.Warn("the incarnation is refused, the host takes a greater one", "from", c.incarnation, "to", refused+1)
		c.incarnation, c.raised = refused+1, true
		c.hurry(now)
	default:
		c.later(now)
	}
}

func (c *core) stop(err error, why string) {
	c.stopped, c.err = true, err
	c.forgotten()
	c.log.Error("the contacts stop: "+why, "err", err)
}

// paused is called after a pause of the process. The answer times of the attempts under way include
// the pause, so they do not count.
func (c *core) paused() { c.untimed = c.begun }

// isPause reports whether the process was paused, because it wakes long after the planned time.
func (c *core) isPause(planned, now int64) bool {
	return now-planned > int64(max(c.interval/firstPause, leastPause))
}

// refresh makes the host announce itself at once.
func (c *core) refresh(now int64) {
	c.describe = c.begun + 1
	c.hurry(now)
}
