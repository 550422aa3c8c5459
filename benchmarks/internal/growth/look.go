package growth

import (
	"image/color"

	"gonum.org/v1/plot/vg"
	"gonum.org/v1/plot/vg/draw"
)

// colors are distinguishable with color blindness too (Okabe and Ito);
// the shapes of the points help.
var colors = []color.RGBA{
	{0, 0, 0, 255}, {230, 159, 0, 255}, {86, 180, 233, 255}, {0, 158, 115, 255}, {160, 150, 20, 255},
	{0, 114, 178, 255}, {213, 94, 0, 255}, {204, 121, 167, 255}, {120, 120, 120, 255},
}

var shapes = []draw.GlyphDrawer{
	draw.CircleGlyph{}, draw.TriangleGlyph{}, draw.SquareGlyph{}, draw.RingGlyph{}, draw.CrossGlyph{},
	draw.PlusGlyph{}, draw.BoxGlyph{}, draw.PyramidGlyph{}, draw.TriangleGlyph{},
}

// look is how the line of the peer with that number looks. The first is hostlife's.
func look(i int) (draw.LineStyle, draw.GlyphStyle) {
	c, w := colors[i%len(colors)], vg.Length(1)
	if i == 0 {
		w = 2.5
	}
	return draw.LineStyle{Color: c, Width: w}, draw.GlyphStyle{Color: c, Radius: 2.5, Shape: shapes[i%len(shapes)]}
}
