package cluster

import (
	"fmt"
	"slices"
	"strings"
	"time"
)

// churn makes hosts join, leave, crash, and crash and come back, many at a time. In the end exactly the
// expected hosts are listed, and each departure was counted once, with its kind.
func (t *trial) churn(f *findings) result {
	judge := t.witness(f, inFleet)
	before, from := t.status(), t.log.departedSoFar()
	c := t.newFleet(f, churnSize, churnPace)
	t.timeline.event(churn, "", "%d hosts, each a process, for %v", c.size, t.cfg.Churn)
	t.timeline.wait("for all to join")
	_ = t.until(time.Minute, c.fill)
	t.timeline.wait("for the churn to end")
	c.stir(t.cfg.Churn)
	c.settle(from)
	after := t.status()
	if t.over() {
		return result{}
	}
	judge()
	ds := t.log.departures(from)
	late := concede(ds, c.registrations)
	f.churn(ds, c.registrations, t.terms(t.cfg.Interval, after.Stalls > before.Stalls))
	f.counted(c, before, after)
	f.exactly(t.list(), append(slices.Clone(t.peers), c.procs()...))
	r := c.summary(ds, late)
	t.dismiss(f, c.procs())
	return r
}

// concede accepts evictions of hosts that crashed and came back after their deadline: on a busy machine a
// process may take longer to start than the rest of the timeout. It returns how many there are.
func concede(ds []line, registrations []*member) (late int) {
	departed, back := map[string][]line{}, map[string]time.Time{}
	for _, d := range ds {
		departed[d.Host] = append(departed[d.Host], d)
	}
	for _, m := range slices.Backward(registrations) {
		if own := departed[m.host]; m.fate != "" && len(own) > 0 {
			d := own[len(own)-1]
			departed[m.host] = own[:len(own)-1]
			if m.fate == "replaced" && d.Kind == "evicted" && back[m.host].After(d.Deadline) {
				m.fate = "evicted"
				late++
			}
		}
		back[m.host] = m.joined
	}
	return late
}

// churn checks that each registration ended as it must, in order, once and in time.
func (f *findings) churn(ds []line, registrations []*member, t terms) {
	want, got := map[string][]string{}, map[string][]string{}
	for _, m := range registrations {
		if m.fate != "" {
			want[m.host] = append(want[m.host], m.fate)
		}
	}
	early, late, unfreed := 0, 0, 0
	for _, d := range ds {
		got[d.Host] = append(got[d.Host], d.Kind)
		due := d.LastContact.Add(t.timeout)
		early += count(d.Kind == "evicted" && d.At.Before(due.Add(-slop)))
		late += count(d.Kind == "evicted" && (d.Cleaned.Sub(d.Deadline) > t.lag || d.Deadline.Sub(due) > t.grace(d.StallTime)))
		unfreed += count(d.Kind != "replaced" && d.Freed != churnReplicas) // the newer registration frees these too
	}
	wrong := differences(want, got)
	f.check(len(wrong) == 0, "%d hosts departed in a wrong way, %s", len(wrong), strings.Join(wrong[:min(3, len(wrong))], ", "))
	f.check(early == 0, "%d were evicted too early", early)
	f.check(late == 0, "%d were not cleaned up %s after their deadline", late, short(t.lag))
	f.check(unfreed == 0, "the peers of %d were not freed with them", unfreed)
}

// differences returns the hosts whose departures are wrong.
func differences(want, got map[string][]string) (hosts []string) {
	for host, kinds := range got {
		if !slices.Equal(kinds, want[host]) {
			hosts = append(hosts, fmt.Sprintf("%s: %v, not %v", host, kinds, want[host]))
		}
	}
	for host, kinds := range want {
		if len(got[host]) == 0 {
			hosts = append(hosts, fmt.Sprintf("%s: not at all, not %v", host, kinds))
		}
	}
	return hosts
}

// counted checks the scheduler's counts.
func (f *findings) counted(c *fleet, before, after line) {
	for _, n := range []struct {
		what      string
		got, want int
	}{
		{"hosts", after.Hosts - before.Hosts, len(c.present)},
		{"peers", after.Peers - before.Peers, len(c.present) * churnReplicas},
		{"joins", after.Joins - before.Joins, len(c.registrations)},
		{"left", after.Left - before.Left, c.fates("left")},
		{"evicted", after.Evicted - before.Evicted, c.fates("evicted")},
		{"replaced", after.Replaced - before.Replaced, c.fates("replaced")},
	} {
		f.check(n.got == n.want, "the scheduler counts %d %s, not %d", n.got, n.what, n.want)
	}
}

// exactly checks that the running hosts are listed, and no others.
func (f *findings) exactly(listed map[string]bool, living []*proc) {
	missing := 0
	for _, p := range living {
		missing += count(!listed[p.id])
	}
	f.check(missing == 0, "%d running hosts are not listed", missing)
	f.check(len(listed) == len(living)-missing, "%d are listed, %d are running", len(listed), len(living))
}

func (c *fleet) summary(ds []line, late int) result {
	ds = slices.DeleteFunc(slices.Clone(ds), func(d line) bool { return d.Kind != "evicted" })
	if len(ds) == 0 {
		return result{Detail: c.f.detail("no host crashed")}
	}
	detect, lag := slowest(ds)
	return result{Detect: ms(detect), Lag: ms(lag), Detail: c.f.detail(
		"%d joined; %d left, %d crashed and were evicted (%d came back too late), all within %s of their deadline, %d crashed and came back; exactly the other %d are listed",
		len(c.registrations), c.fates("left"), c.fates("evicted"), late, short(lag), c.fates("replaced"), len(c.present))}
}
