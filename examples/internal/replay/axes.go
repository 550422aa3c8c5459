package replay

import (
	"image/color"
	"math"
	"slices"
	"strconv"

	"gonum.org/v1/plot"
	"gonum.org/v1/plot/plotter"
)

// Points of policies without any are drawn here, for the axes are logarithmic: positions are decimal
// logarithms. plot.LogScale would reserve too much room for the labels of the axes.
const (
	leastX = 0.5
	leastY = 0.01
)

// position is where a policy is in the picture.
func position(needless, stale float64) plotter.XY {
	return plotter.XY{X: math.Log10(max(leastX, needless)), Y: math.Log10(max(leastY, stale))}
}

func point(p *played) plotter.XY { return position(float64(p.Needless), p.StaleHours()) }

// setAxes sets axes that have room for all points.
func setAxes(p *plot.Plot, all []played) {
	var xs, ys []float64
	for i := range all {
		xy := point(&all[i])
		xs, ys = append(xs, xy.X), append(ys, xy.Y)
	}
	p.X.Min, p.X.Max = around(xs)
	p.Y.Min, p.Y.Max = around(ys)
	p.X.Tick.Marker, p.Y.Tick.Marker = ticks{leastX}, ticks{leastY}
	grid := plotter.NewGrid()
	grid.Horizontal.Color, grid.Vertical.Color = color.Gray{225}, color.Gray{225}
	p.Add(grid)
}

// around returns a range of at least a decade, from a step to a step.
func around(values []float64) (low, high float64) {
	low, high = math.Pow(10, slices.Min(values)), math.Pow(10, slices.Max(values))
	for first := true; first || high < 10*low; first = false {
		low, high = stepAt(low*0.97, true), stepAt(high*1.03, false)
	}
	return math.Log10(low), math.Log10(high)
}

// stepAt is the next of 1, 2, 5, 10, 20 and so on, below or above.
func stepAt(v float64, below bool) float64 {
	decade := math.Pow(10, math.Floor(math.Log10(v)))
	step := decade
	for _, s := range []float64{1, 2, 5, 10} {
		switch at := s * decade; {
		case below && at <= v:
			step = at
		case !below && at >= v:
			return at
		}
	}
	return step
}

// ticks marks the steps, and has numbers at the powers of ten, or at all steps if those are few. Below
// none is where points without any are.
type ticks struct{ none float64 }

func (t ticks) Ticks(from, to float64) (marks []plot.Tick) {
	low, high := math.Pow(10, from), math.Pow(10, to)
	for exponent := math.Floor(from); exponent <= to+0.01; exponent++ {
		for _, step := range []float64{1, 2, 5} {
			v := step * math.Pow(10, exponent)
			if v < max(low, t.none)*0.99 || v > high*1.01 {
				continue
			}
			tick := plot.Tick{Value: math.Log10(v)}
			switch {
			case v < t.none*1.01:
				tick.Label = "0"
			case step == 1 || high < 300*low:
				tick.Label = strconv.FormatFloat(v, 'f', int(max(0, -exponent)), 64)
			}
			marks = append(marks, tick)
		}
	}
	return marks
}
