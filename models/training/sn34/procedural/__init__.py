"""Pictures and clips made by arithmetic, whose classes differ by the traces of their making only.

A *scene* (shapes, textures, light) is drawn from one distribution for all classes. The camera turns it into a
"real" picture, the generator into a "synthetic" one, and a region of the second blended into the first is
"semisynthetic".
"""
