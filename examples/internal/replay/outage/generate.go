package outage

import (
	"context"
	"math"
	"math/rand/v2"
	"strconv"
	"time"
)

// A Model makes up a trace, loosely like that of Grid'5000: a node is up for a time that is
// distributed exponentially, then down for one of these, in whole seconds, and so on.
//
//	 2 %  10 s to 1 min
//	63 %  100 s to 300 s: a restart
//	20 %  5 min to 2 h
//	15 %  2 h to 2 days
//
// Restarts are distributed uniformly, the others log-uniformly. The nodes know nothing of each
// other: there are no failures of a rack, nor nights and weekends.
type Model struct {
	Nodes int
	Span  time.Duration
	Seed  uint64
}

// Memory is about how many bytes it takes to make the trace up and to play it, at most: measured.
func (m Model) Memory() float64 {
	const node, outage, outagesADay = 250, 70, 0.5 // of a node
	return float64(m.Nodes) * (node + outage*outagesADay*m.Span.Hours()/24)
}

const meanUp = 48 * time.Hour

// generatedStart is when generated traces begin.
var generatedStart = time.Unix(1_100_000_000, 0).UTC()

// Generate makes a trace: the same one for the same Model, and of a node the same one however many
// others there are.
func (m Model) Generate() *Trace {
	t, _ := m.GenerateUntil(context.Background())
	return t
}

// GenerateUntil makes a trace, as Generate does, unless ctx ends before: that is the only error.
func (m Model) GenerateUntil(ctx context.Context) (*Trace, error) {
	t := &Trace{Start: generatedStart, End: int64(m.Span.Truncate(time.Second)), Nodes: make([]Node, m.Nodes)}
	for i := range t.Nodes {
		if ctx.Err() != nil {
			return nil, ctx.Err()
		}
		rng := rand.New(rand.NewPCG(m.Seed, uint64(i)))
		t.Nodes[i] = Node{Name: "n" + strconv.Itoa(i), To: t.End, Outages: outagesOf(rng, t.End)}
	}
	return t, nil
}

func outagesOf(rng *rand.Rand, end int64) (outages []Outage) {
	for at := int64(0); ; {
		down := at + max(1, int64(rng.ExpFloat64()*meanUp.Seconds()))*int64(time.Second)
		if down >= end {
			return outages
		}
		at = down + int64(downtime(rng)*time.Second)
		outages = append(outages, Outage{down, min(at, end)})
		if at >= end {
			return outages
		}
	}
}

// downtime is a number of seconds.
func downtime(rng *rand.Rand) time.Duration {
	switch p := rng.Float64(); {
	case p < 0.02:
		return logUniform(rng, 10, 60)
	case p < 0.65:
		return 100 + time.Duration(rng.Int64N(201))
	case p < 0.85:
		return logUniform(rng, 300, 7200)
	default:
		return logUniform(rng, 7200, 2*86400)
	}
}

func logUniform(rng *rand.Rand, low, high float64) time.Duration {
	return time.Duration(low * math.Pow(high/low, rng.Float64()))
}

// ModelAbout is the Model in words.
const ModelAbout = `The model
loosely follows Grid'5000. A node is up for 48 h on average, distributed exponentially. Then it is down:
in 2 % of cases for 10 s to 1 min, in 63 % for 100 s to 300 s, in 20 % for 5 min to 2 h, and in 15 % for
2 h to 2 days. Nodes fail independently of each other.`
