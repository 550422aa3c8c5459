package cluster

import (
	"fmt"
	"slices"
	"strings"
	"time"
)

// churn has hosts join, leave, crash, and crash and come back, while others do
// the same. In the end those are there that should be, and no others; each that
// went was counted once, as what it was.
func (t *trial) churn(f *findings) result {
	judge := t.witness(f, isCrowd)
	before, from := t.status(), len(t.journal.departures())
	c := t.newCrowd(f, churnSize, churnPace)
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
	ds := t.journal.departures()[from:]
	late := concede(ds, c.lives)
	f.churn(ds, c.lives, t.terms(t.cfg.Interval, after.Stalls > before.Stalls))
	f.counted(c, before, after)
	f.exactly(t.api.list(t.ctx), append(slices.Clone(t.peers), c.procs()...))
	r := c.summary(ds, late)
	t.dismiss(f, c.procs())
	return r
}

// concede makes evicted the fate of those that crashed and came back, but after their deadline, and
// were evicted: on a busy machine a process may take longer to start than the patience that is left.
// It returns how many they are.
func concede(ds []line, lives []*member) (late int) {
	departed, back := map[string][]line{}, map[string]time.Time{}
	for _, d := range ds {
		departed[d.Host] = append(departed[d.Host], d)
	}
	for _, m := range slices.Backward(lives) {
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

// churn judges that each life came to the end that it had to, in order, once, and
// when.
func (f *findings) churn(ds []line, lives []*member, t terms) {
	want, got := map[string][]string{}, map[string][]string{}
	for _, m := range lives {
		if m.fate != "" {
			want[m.host] = append(want[m.host], m.fate)
		}
	}
	early, late, unfreed := 0, 0, 0
	for _, d := range ds {
		got[d.Host] = append(got[d.Host], d.Kind)
		due := d.LastSeen.Add(t.patience)
		early += count(d.Kind == "evicted" && d.At.Before(due.Add(-slop)))
		late += count(d.Kind == "evicted" && (d.Cleaned.Sub(d.Deadline) > t.lag || d.Deadline.Sub(due) > t.grace(d.Excused)))
		unfreed += count(d.Kind != "replaced" && d.Freed != churnReplicas) // the newer life frees those too
	}
	wrong := differences(want, got)
	f.check(len(wrong) == 0, "%d hosts went otherwise than they should, %s", len(wrong), strings.Join(wrong[:min(3, len(wrong))], ", "))
	f.check(early == 0, "%d were evicted too early", early)
	f.check(late == 0, "%d were not clean %s after their deadline", late, short(t.lag))
	f.check(unfreed == 0, "the peers of %d were not freed with them", unfreed)
}

// differences are the hosts whose departures are not those that they should be.
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

// counted compares what was done with what the scheduler counts.
func (f *findings) counted(c *crowd, before, after line) {
	for _, n := range []struct {
		what      string
		got, want int
	}{
		{"hosts", after.Hosts - before.Hosts, len(c.grown)},
		{"peers", after.Peers - before.Peers, len(c.grown) * churnReplicas},
		{"joins", after.Joins - before.Joins, len(c.lives)},
		{"left", after.Left - before.Left, c.fates("left")},
		{"evicted", after.Evicted - before.Evicted, c.fates("evicted")},
		{"replaced", after.Replaced - before.Replaced, c.fates("replaced")},
	} {
		f.check(n.got == n.want, "the scheduler counts %d %s, not %d", n.got, n.what, n.want)
	}
}

// exactly judges that those are listed that live, and no others.
func (f *findings) exactly(listed map[string]bool, living []*proc) {
	missing := 0
	for _, p := range living {
		missing += count(!listed[p.id])
	}
	f.check(missing == 0, "%d that live are not listed", missing)
	f.check(len(listed) == len(living)-missing, "%d are listed, %d live", len(listed), len(living))
}

func (c *crowd) summary(ds []line, late int) result {
	ds = slices.DeleteFunc(slices.Clone(ds), func(d line) bool { return d.Kind != "evicted" })
	if len(ds) == 0 {
		return result{Detail: c.f.detail("nobody crashed")}
	}
	detect, lag := slowest(ds)
	return result{Detect: ms(detect), Lag: ms(lag), Detail: c.f.detail(
		"%d joined; %d left, %d crashed and were evicted (%d came back too late), all within %s of their deadline, %d crashed and came back; exactly the other %d are there",
		len(c.lives), c.fates("left"), c.fates("evicted"), late, short(lag), c.fates("replaced"), len(c.grown))}
}
