package replay

import (
	"bytes"
	"cmp"
	"context"
	"image/color"
	"io"
	"math"
	"slices"
	"strings"

	"gonum.org/v1/plot"
	"gonum.org/v1/plot/plotter"
	"gonum.org/v1/plot/text"
	"gonum.org/v1/plot/vg"
	"gonum.org/v1/plot/vg/draw"
	"gonum.org/v1/plot/vg/vgsvg"
)

const (
	width, height = 18 * vg.Centimeter, 13 * vg.Centimeter
	legendWidth   = 3.2 * vg.Centimeter
	maxTitle      = 105 // characters of a line
)

// colors are distinguishable with color blindness too (Okabe and Ito).
var colors = []color.RGBA{{0, 114, 178, 255}, {213, 94, 0, 255}, {0, 158, 115, 255}, {204, 121, 167, 255}}

// draw makes the picture: for each family a curve through its policies, by what a recommendation
// weighs. The first ones are those that were chosen, and marked.
func (c *config) draw(ctx context.Context, summary string, all []played, a *advice) error {
	p := plot.New()
	setFonts(p)
	p.Title.Text, p.Title.Padding = titleOf(summary), 2*vg.Millimeter
	p.X.Label.Text = "needless evictions: of hosts that were up, or back within 30 min"
	p.Y.Label.Text = "stale host-hours: down, but still registered"
	setAxes(p, all)
	p.Legend.Top, p.Legend.Left, p.Legend.Padding = true, true, vg.Millimeter
	m := newMarks(a, all, len(c.policies))
	for i, f := range families {
		m.lines = append(m.lines, pointsOf(i, all))
		if err := curve(p, f.name, colors[i%len(colors)], m.lines[i]); err != nil {
			return err
		}
	}
	m.lines = append(m.lines, sameCost(p, a))
	if err := dashed(p, "same cost", m.lines[len(families)]); err != nil {
		return err
	}
	p.Add(m)
	m.legend(p)
	return write(ctx, c.plot, func(w io.Writer) error { return paint(p, w) })
}

// paint draws on white, so that it can be read on any background.
func paint(p *plot.Plot, w io.Writer) error {
	svg := vgsvg.New(width, height)
	page := draw.New(svg)
	page.SetColor(color.White)
	page.Fill(page.Rectangle.Path())
	pad := 3 * vg.Millimeter
	page = draw.Crop(page, pad, -pad, pad, -pad)
	data := p.DataCanvas(page)
	p.Legend.XOffs = data.Max.X - data.Min.X - legendWidth
	p.Draw(page)
	var b bytes.Buffer
	if _, err := svg.WriteTo(&b); err != nil {
		return err
	}
	// Other systems have fonts of the same widths by these names.
	_, err := w.Write(bytes.ReplaceAll(b.Bytes(), []byte("font-family:Liberation Sans;"), []byte("font-family:Liberation Sans,Arial,Helvetica,sans-serif;")))
	return err
}

func setFonts(p *plot.Plot) {
	for style, size := range map[*text.Style]vg.Length{
		&p.Title.TextStyle: 8, &p.Legend.TextStyle: 10, &p.X.Label.TextStyle: 11, &p.Y.Label.TextStyle: 11,
		&p.X.Tick.Label: 10, &p.Y.Tick.Label: 10,
	} {
		style.Font.Variant, style.Font.Size = "Sans", size
	}
}

// titleOf shortens lines that do not fit.
func titleOf(summary string) string {
	lines := strings.Split(summary, "\n")
	for i, l := range lines {
		if r := []rune(l); len(r) > maxTitle {
			lines[i] = string(r[:maxTitle]) + "…"
		}
	}
	return strings.Join(lines, "\n")
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

// sameCost is where policies cost as much as the recommended one: below it they cost less.
func sameCost(p *plot.Plot, a *advice) (xys plotter.XYs) {
	if a == nil || a.best == nil {
		return nil
	}
	const pieces = 200
	for i := range pieces + 1 {
		needless := math.Pow(10, p.X.Min+(p.X.Max-p.X.Min)*float64(i)/pieces)
		xy := position(needless, a.price.cost(a.best)-a.price.hours()*needless)
		if xy.Y >= p.Y.Min && xy.Y <= p.Y.Max {
			xys = append(xys, xy)
		}
	}
	return xys
}

func dashed(p *plot.Plot, name string, xys plotter.XYs) error {
	if len(xys) < 2 {
		return nil
	}
	line, err := plotter.NewLine(xys)
	if err != nil {
		return err
	}
	line.Color, line.Width, line.Dashes = color.Gray{110}, 0.75, []vg.Length{3, 2}
	p.Add(line)
	p.Legend.Add(name, line)
	return nil
}
