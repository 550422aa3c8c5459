package hostmgr

import (
	"fmt"
	"math"
	"time"

	"github.com/hostlife/hostlife/hostmgr/internal/detector"
)

// PhiAccrual adapts to each host: hosts with regular heartbeats are suspected sooner, irregular
// ones later, within two fixed bounds. It is the phi accrual failure detector of Hayashibara,
// Défago, Yared and Katayama (2004), and it uses mean and deviation of the gaps between a host's contacts.
// The latest 64 gaps count most.
//
// A host is suspect once the probability of a heartbeat this late is below 10^-Threshold, or
// halfway to its eviction, whichever comes first. It is evicted after twice the silence that
// Threshold stands for, within MinOverdue and MaxOverdue. So a host with regular heartbeats is
// suspect within a fifth of its interval, and evicted soon after its second missing heartbeat.
//
// Gaps are taken to be normally distributed, by the logistic approximation of Bowling,
// Khasawneh, Kaewkuekool and Cho (2009). Other implementations use it as well, so a
// Threshold means the same. The deviation is at least a 64th of the interval, and at least a quarter
// of it during the first 8 contacts. The history starts again when a host's interval changes, and when
// it is evicted.
//
// The influence of one gap is bounded: see History. After a single pause, however long, the timeout of
// a regular host stays below twice the former one. A host whose gaps stay longer is
// adapted to: to gaps of twice the interval within a dozen, to gaps of six
// times the interval within 30.
//
// Do not use it
//   - where an eviction must be explained by a number in a configuration;
//   - where hosts send heartbeats much less often than their conditions change: after a move to a slow
//     network the first heartbeats are judged by the history of the old one;
//   - where heartbeats are lost in bursts, which no deviation predicts;
//   - with Pacing that changes intervals all the time.
//
// It costs some 100 bytes a host, and a heartbeat takes about twice as long.
type PhiAccrual struct {
	// Threshold is the score at which a host is suspect. Zero means 8: one in 10^8.
	Threshold float64
	// MinOverdue and MaxOverdue bound the time that a heartbeat is overdue (silence - interval) when
	// its host is evicted. Zero means one interval (or MaxOverdue, if that is less), and 5 minutes.
	MinOverdue, MaxOverdue time.Duration
}

// Timeouts implements Policy.
func (a PhiAccrual) Timeouts(p History) (suspect, evict time.Duration) {
	a = a.withDefaults(p.Interval)
	return a.timeouts(p, deviations(a.Threshold))
}

// A prepared PhiAccrual has its Threshold in deviations already, which takes longer to compute than all the rest.
type prepared struct {
	PhiAccrual
	late float64
}

// prepare returns a policy that answers as p does, maybe sooner.
func prepare(p Policy) Policy {
	if a, ok := p.(PhiAccrual); ok {
		return prepared{a, deviations(a.withDefaults(0).Threshold)}
	}
	return p
}

// Timeouts implements Policy.
func (a prepared) Timeouts(p History) (suspect, evict time.Duration) {
	return a.withDefaults(p.Interval).timeouts(p, a.late)
}

// timeouts are those of a PhiAccrual with its defaults filled in. late is its Threshold in deviations.
func (a PhiAccrual) timeouts(p History, late float64) (suspect, evict time.Duration) {
	quiet := quiet(p, late)
	evict = p.Interval + min(max(2*quiet-p.Interval, a.MinOverdue), a.MaxOverdue)
	return max(p.Interval, min(quiet, p.Interval+(evict-p.Interval)/2)), evict
}

// NeedsHistory implements HistoryPolicy: it returns true.
func (PhiAccrual) NeedsHistory() bool { return true }

// quiet is the silence that is late by so many deviations.
func quiet(p History, late float64) time.Duration {
	mean, deviation := float64(p.Mean), max(float64(p.Deviation), float64(p.Interval)/64)
	if p.Count < detector.FewGaps {
		mean, deviation = float64(p.Interval), max(deviation, float64(p.Interval)/4)
	}
	return time.Duration(min(mean+deviation*late, maxTimeout/4))
}

// deviations returns the number of deviations by which a heartbeat of score phi is late: the root of
// 0.070566 y^3 + 1.5976 y = ln(1/p - 1), where p = 10^-phi, by the formula with hyperbolic
// functions (it has but one). Nothing in it overflows, nor becomes zero that should not.
func deviations(phi float64) float64 {
	const cubic, linear = 0.070566, 1.5976
	log := phi*math.Ln10 + math.Log1p(-math.Pow(10, -phi))
	q, r := linear/cubic/3, log/cubic/2
	return 2 * math.Sqrt(q) * math.Sinh(math.Asinh(r/(q*math.Sqrt(q)))/3)
}

func (a PhiAccrual) withDefaults(interval time.Duration) PhiAccrual {
	if a.Threshold == 0 {
		a.Threshold = 8
	}
	if a.MaxOverdue == 0 {
		a.MaxOverdue = 5 * time.Minute
	}
	if a.MinOverdue == 0 {
		a.MinOverdue = min(interval, a.MaxOverdue)
	}
	return a
}

func (a PhiAccrual) validate() error {
	what := ""
	switch d := a.withDefaults(0); {
	case math.IsNaN(d.Threshold) || d.Threshold < 0.5 || d.Threshold > 1e6:
		what = "Threshold is not between 0.5 and a million"
	case d.MinOverdue < 0 || d.MaxOverdue < 0:
		what = "a negative duration"
	case d.MaxOverdue < d.MinOverdue:
		what = "MaxOverdue is below MinOverdue"
	case d.MaxOverdue > maxTimeout:
		what = "MaxOverdue is longer than 36 years"
	default:
		return nil
	}
	return fmt.Errorf("%w: PhiAccrual{Threshold: %v, MinOverdue: %v, MaxOverdue: %v}: %s", ErrInvalid, a.Threshold, a.MinOverdue, a.MaxOverdue, what)
}
