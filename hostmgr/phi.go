package hostmgr

import (
	"fmt"
	"math"
	"time"

	"github.com/hostlife/hostlife/hostmgr/internal/detector"
)

// PhiAccrual adapts to each host: hosts with regular heartbeats are suspected sooner, irregular
// ones later, within two fixed bounds. It is the phi accrual failure detector of Hayashibara,
// Défago, Yared and Katayama (2004), with the mean and deviation of the gaps between a host's
// contacts. The latest 64 gaps count most.
//
// A host is suspect once the probability of a heartbeat this late is below 10^-Threshold, or
// halfway to its eviction, whichever comes first. It is evicted after twice the silence that
// Threshold stands for, within MinOverdue and MaxOverdue. So a host with regular heartbeats is
// suspect before a heartbeat is overdue by a fifth of its interval, and evicted soon after its
// second missing heartbeat.
//
// A lost contact makes a host overdue by one interval. So a host that does not retry survives one
// lost contact only if MaxOverdue is clearly above its interval. With the zero PhiAccrual, hosts
// with an interval of 5 min do not: about half of them are evicted.
//
// Gaps are taken to be normally distributed, by the logistic approximation of Bowling, Khasawneh,
// Kaewkuekool and Cho (2009). Other implementations use the same approximation, so their thresholds
// are comparable. The deviation is at least a 64th of the interval, and at least a quarter of it
// during the first 8 gaps. The history starts again when a host's interval changes, and after an
// eviction.
//
// The influence of one gap is bounded: see History. After a single pause, however long, the timeout
// of a regular host stays below twice its former timeout. If the gaps of a host stay longer, the
// policy adapts: to gaps of twice the interval within a dozen gaps, to gaps of six times the
// interval within 30.
//
// Do not use it
//   - where an eviction must be explained by a number in a configuration;
//   - where hosts send heartbeats much less often than their conditions change: after a move to a
//     slow network the first heartbeats are assessed by the history of the old one;
//   - where heartbeats are lost in bursts, which no deviation predicts;
//   - with Pacing that changes intervals all the time.
//
// It costs some 100 bytes per host, and a heartbeat takes about twice as long.
type PhiAccrual struct {
	// Threshold is the score phi at which a host is suspect, from 0.5 to 10^6. Zero means 8: one
	// late heartbeat in 10^8.
	Threshold float64
	// MinOverdue and MaxOverdue bound how long a heartbeat is overdue (silence - interval) when its
	// host is evicted. Zero means one interval, or MaxOverdue if that is less; and 5 minutes. New
	// refuses a MaxOverdue below 1 ms. A MinOverdue below min(interval/10, 10 ms) counts as that.
	MinOverdue, MaxOverdue time.Duration
}

// Timeouts implements Policy.
func (a PhiAccrual) Timeouts(p History) (suspect, evict time.Duration) {
	a = a.withDefaults(p.Interval)
	return a.timeouts(p, deviations(a.Threshold))
}

// A prepared policy is a PhiAccrual with its Threshold converted to deviations, which takes longer
// than all the rest.
type prepared struct {
	PhiAccrual
	late float64
}

// prepare returns a policy with the same answers as p, maybe faster.
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

// timeouts computes the answer of a PhiAccrual with its defaults set. late is its Threshold in
// deviations.
func (a PhiAccrual) timeouts(p History, late float64) (suspect, evict time.Duration) {
	quiet := quiet(p, late)
	least := max(a.MinOverdue, detector.Slack(p.Interval))
	evict = p.Interval + min(max(2*quiet-p.Interval, least), a.MaxOverdue)
	return max(p.Interval, min(quiet, p.Interval+(evict-p.Interval)/2)), evict
}

// NeedsHistory implements HistoryPolicy: it returns true.
func (PhiAccrual) NeedsHistory() bool { return true }

// quiet returns the silence that is late by this many deviations.
func quiet(p History, late float64) time.Duration {
	mean, deviation := float64(p.Mean), max(float64(p.Deviation), float64(p.Interval)/64)
	if p.Count < detector.FewGaps {
		mean, deviation = float64(p.Interval), max(deviation, float64(p.Interval)/4)
	}
	return time.Duration(min(mean+deviation*late, maxTimeout/4))
}

// deviations returns by how many deviations a heartbeat of score phi is late. That is the root y of
//
//	0.070566 y^3 + 1.5976 y = ln(1/p - 1), where p = 10^-phi
//
// The cubic has one real root, which the formula with hyperbolic functions gives without overflow
// or underflow.
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
	case d.MaxOverdue < detector.MinSlack:
		what = fmt.Sprintf("MaxOverdue is below %v: it evicts hosts that are on time", detector.MinSlack)
	case d.MaxOverdue > maxTimeout:
		what = "MaxOverdue is longer than 36 years"
	default:
		return nil
	}
	return fmt.Errorf("%w: PhiAccrual{Threshold: %v, MinOverdue: %v, MaxOverdue: %v}: %s", ErrInvalid, a.Threshold, a.MinOverdue, a.MaxOverdue, what)
}
