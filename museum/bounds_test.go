package museum

// Bounds: limits for each that leave the sum without one, and floods.
var bounds = []exhibit{}
