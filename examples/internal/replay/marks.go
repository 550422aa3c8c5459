package replay

import (
	"image/color"

	"gonum.org/v1/plot"
	"gonum.org/v1/plot/plotter"
	"gonum.org/v1/plot/vg"
	"gonum.org/v1/plot/vg/draw"
)

// marks ring policies and name them. They are drawn last, because the names avoid all else.
type marks struct {
	named []mark
	lines []plotter.XYs
}

// A mark is a policy with a name in the picture.
type mark struct {
	plotter.XY
	name string
	best bool
}

var (
	ring = draw.GlyphStyle{Color: color.Black, Radius: 4.5, Shape: draw.RingGlyph{}}
	box  = draw.GlyphStyle{Color: color.Black, Radius: 3.5, Shape: draw.BoxGlyph{}}
)

// newMarks names the first policies, and those that an advice is about.
func newMarks(a *advice, all []played, chosen int) *marks {
	m := &marks{}
	for i := range all {
		p := &all[i]
		word := a.mark(p)
		if i >= chosen && word == "" {
			continue
		}
		best := a != nil && p == a.best
		if word != "" {
			word = ", " + word
		}
		m.named = append(m.named, mark{point(p), p.name + word, best})
	}
	return m
}

// legend explains the glyphs.
func (m *marks) legend(p *plot.Plot) {
	thumb := func(style draw.GlyphStyle) plot.Thumbnailer {
		return &plotter.Scatter{GlyphStyle: style}
	}
	p.Legend.Add("chosen", thumb(ring))
	for _, n := range m.named {
		if n.best {
			p.Legend.Add("recommended", thumb(box))
		}
	}
}

// Plot implements plot.Plotter.
func (m *marks) Plot(c draw.Canvas, p *plot.Plot) {
	x, y := p.Transforms(&c)
	at := func(xy plotter.XY) vg.Point { return vg.Point{X: x(xy.X), Y: y(xy.Y)} }
	legend := p.Legend.Rectangle(c)
	legend.Min.X, legend.Max = c.Max.X-legendWidth, c.Max
	l := layout{bounds: c.Rectangle, taken: []vg.Rectangle{legend}}
	for _, line := range m.lines {
		for i := range line {
			l.avoid(at(line[max(0, i-1)]), at(line[i]))
		}
	}
	for _, n := range m.named {
		c.DrawGlyph(n.glyph(), at(n.XY))
		l.taken = append(l.taken, square(at(n.XY), ring.Radius))
	}
	style := p.Legend.TextStyle
	style.Color = color.Black
	for _, n := range m.named {
		size := style.Rectangle(n.name).Size()
		r := l.place(at(n.XY), vg.Point{X: size.X * widerFonts, Y: size.Y})
		lead(c, at(n.XY), nearest(r, at(n.XY)))
		c.FillText(style, r.Min, n.name)
	}
}

func (n mark) glyph() draw.GlyphStyle {
	if n.best {
		return box
	}
	return ring
}

// lead draws a line to a label that is not close to its point.
func lead(c draw.Canvas, from, to vg.Point) {
	if d := to.Sub(from); d.Dot(d) > 10*10 {
		c.StrokeLine2(draw.LineStyle{Color: color.Gray{110}, Width: 0.5}, from.X, from.Y, to.X, to.Y)
	}
}
