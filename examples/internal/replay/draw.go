package replay

import (
	"cmp"
	"context"
	"image/color"
	"io"
	"math"
	"slices"
	"strconv"

	"gonum.org/v1/plot"
	"gonum.org/v1/plot/plotter"
	"gonum.org/v1/plot/vg"
	"gonum.org/v1/plot/vg/draw"
	"gonum.org/v1/plot/vg/vgsvg"
)

const (
	width, height = 22 * vg.Centimeter, 15 * vg.Centimeter
	leastThrown   = 0.5 // where none were thrown away, for the axis is logarithmic
)

// colors are distinguishable with color blindness too (Okabe and Ito).
var colors = []color.RGBA{{0, 114, 178, 255}, {213, 94, 0, 255}, {0, 158, 115, 255}, {204, 121, 167, 255}}

// draw makes the picture: for each family a curve through its policies, by how long they take to
// detect an outage; the first ones are those that were chosen, and marked.
func (c *config) draw(ctx context.Context, summary string, all []played) error {
	p := plot.New()
	p.Title.Text, p.Title.TextStyle.Font.Size, p.Title.Padding = summary, 8, 2*vg.Millimeter
	p.X.Label.Text = "hosts evicted and back within 30 min: metadata thrown away for nothing"
	p.Y.Label.Text = "detection time, p50 (seconds)"
	p.X.Scale, p.Y.Scale = plot.LogScale{}, plot.LogScale{}
	p.X.Tick.Marker, p.Y.Tick.Marker = decades{}, decades{}
	grid := plotter.NewGrid()
	grid.Horizontal.Color, grid.Vertical.Color = color.Gray{225}, color.Gray{225}
	p.Add(grid)
	p.Legend.Top, p.Legend.Padding = true, 2*vg.Millimeter
	for i, f := range families {
		if err := curve(p, f.name, colors[i%len(colors)], pointsOf(i, all)); err != nil {
			return err
		}
	}
	if err := mark(p, all[:len(c.policies)]); err != nil {
		return err
	}
	p.X.Min, p.X.Max = around(p.X.Min, p.X.Max)
	p.Y.Min, p.Y.Max = around(p.Y.Min, p.Y.Max)
	return write(ctx, c.plot, func(w io.Writer) error { return paint(p, w) })
}

// paint draws on white, so that it can be read on any background.
func paint(p *plot.Plot, w io.Writer) error {
	svg := vgsvg.New(width, height)
	page := draw.New(svg)
	page.SetColor(color.White)
	page.Fill(page.Rectangle.Path())
	pad := 3 * vg.Millimeter
	p.Draw(draw.Crop(page, pad, -pad, pad, -pad))
	_, err := svg.WriteTo(w)
	return err
}

func point(p *played) plotter.XY {
	return plotter.XY{X: max(leastThrown, float64(p.Returned30)), Y: max(1e-3, p.p50.Seconds())}
}

// pointsOf are those of a family, in order.
func pointsOf(family int, all []played) (xys plotter.XYs) {
	for i := range all {
		if all[i].family == family {
			xys = append(xys, point(&all[i]))
		}
	}
	slices.SortFunc(xys, func(a, b plotter.XY) int { return cmp.Or(cmp.Compare(a.Y, b.Y), cmp.Compare(b.X, a.X)) })
	return slices.Compact(xys)
}

func curve(p *plot.Plot, name string, c color.Color, xys plotter.XYs) error {
	if len(xys) == 0 {
		return nil
	}
	line, points, err := plotter.NewLinePoints(xys)
	if err != nil {
		return err
	}
	line.Color, line.Width = c, 1.5
	points.GlyphStyle = draw.GlyphStyle{Color: c, Radius: 2, Shape: draw.CircleGlyph{}}
	p.Add(line, points)
	p.Legend.Add(name, line, points)
	return nil
}

// mark rings policies, and names them.
func mark(p *plot.Plot, chosen []played) error {
	labels := plotter.XYLabels{}
	for i := range chosen {
		labels.XYs = append(labels.XYs, point(&chosen[i]))
		labels.Labels = append(labels.Labels, "  "+chosen[i].name)
	}
	rings, err := plotter.NewScatter(labels.XYs)
	if err != nil {
		return err
	}
	rings.GlyphStyle = draw.GlyphStyle{Color: color.Black, Radius: 5, Shape: draw.RingGlyph{}}
	names, err := plotter.NewLabels(labels)
	if err != nil {
		return err
	}
	for i := range names.TextStyle {
		names.TextStyle[i].Font.Size = 9
	}
	names.Offset = vg.Point{X: 2, Y: 4}
	p.Add(rings, names)
	p.Legend.Add("chosen", rings)
	return nil
}

// around widens a range to whole decades.
func around(low, high float64) (float64, float64) {
	low, high = math.Pow(10, math.Floor(math.Log10(low))), math.Pow(10, math.Ceil(math.Log10(high)))
	if low == high {
		high *= 10
	}
	return low, high
}

// decades marks the powers of ten.
type decades struct{}

func (decades) Ticks(low, high float64) (ticks []plot.Tick) {
	for exponent := math.Round(math.Log10(low)); exponent <= math.Log10(high)+0.01; exponent++ {
		v := math.Pow(10, exponent)
		ticks = append(ticks, plot.Tick{Value: v, Label: strconv.FormatFloat(v, 'g', -1, 64)})
		for _, f := range []float64{2, 5} {
			if f*v < high {
				ticks = append(ticks, plot.Tick{Value: f * v})
			}
		}
	}
	return ticks
}
