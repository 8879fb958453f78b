"""The words of the three embedded new domains, written by hand for this project. Everything is invented."""

from workshop.sample.recipe import DomainRecipe

ARTS = DomainRecipe(
    name="arts",
    root="Arts & Crafts",
    categories="""
= Painting | Acrylic, Linen, Beech, Hog Bristle
~ 12 Pieces, Student Grade, Large, with Case | studio work, plein air trips, art classes
Paint Sets @ 19: Acrylic Paint Set, Watercolor Set, Gouache Set
Paint Brushes @ 14: Brush Set, Flat Brush, Detail Brush
Canvases @ 21: Stretched Canvas, Canvas Panel, Canvas Roll
Easels @ 45: Table Easel, Field Easel, Tripod Easel
= Knitting | Bamboo, Artisan, Hand Dyed, Woodland
~ 100 g, Set of 4, Chunky, Size 5 | baby blankets, winter sweaters, slow evenings
Yarn @ 9: Worsted Yarn, Sock Yarn, Bulky Yarn
Knitting Needles @ 12: Circular Needles, Straight Needles, Double Pointed Needles
Stitch Markers @ 6: Stitch Marker Set, Row Counter, Locking Markers
Yarn Bowls @ 23: Yarn Bowl, Yarn Winder, Yarn Bag
= Sewing | Cotton, Polyester, Steel, Felt
~ by the Yard, 10 Spools, 8 Inch, Assorted | quilting, mending, costume making
Fabric @ 11: Quilting Fabric, Fat Quarters, Canvas Fabric
Sewing Thread @ 8: All Purpose Thread, Quilting Thread, Embroidery Thread
Scissors @ 16: Fabric Scissors, Pinking Shears, Thread Snips
Buttons @ 5: Coat Buttons, Snap Buttons, Toggle Buttons
= Paper Crafts | Kraft, Parchment, Vellum, Cardboard
~ A4, 50 Sheets, Double Sided, Mini | wedding cards, scrapbooks, school projects
Cardstock @ 12: Cardstock Pack, Scrapbook Paper, Origami Paper
Stamps @ 10: Clear Stamp, Rubber Stamp, Stamp Set
Ink Pads @ 7: Ink Pad, Pigment Ink, Stamp Cleaner
Stickers @ 6: Sticker Book, Washi Tape, Foil Stickers
= Beading | Glass, Copper, Wooden, Ceramic
~ 200 Count, 26 Gauge, 4 mm, Bulk | bracelets, summer camp, market stalls
Beads @ 8: Seed Beads, Round Beads, Spacer Beads
Beading Wire @ 7: Craft Wire, Memory Wire, Elastic Cord
Clasps @ 6: Lobster Clasp, Toggle Clasp, Magnetic Clasp
Jewelry Pliers @ 15: Round Nose Pliers, Crimping Pliers, Wire Cutter
""",
    styles="Vermilion, Pastel, Indigo, Rustic, Rainbow, Sage, Metallic, Amber, Lilac, Monochrome, Tropical, "
    "Dusty Rose, Turquoise, Ochre, Nordic, Galaxy",
    adjectives="Washable, Smooth, Fine, Handmade, Premium, Vivid, Sturdy, Beginner, Lightfast, Natural",
    titles=(
        "{mark} {style} {material} {noun}",
        "{style} {a} {noun} {detail}",
        "{mark} {style} {noun}, {detail}",
        "{a} {material} {noun} in {style}",
    ),
    openings=(
        "Our {a} {noun} in {style} will last for many projects.",
        "Artists ask for the {a} {noun} in {style} again and again.",
        "{mark} chooses good {material} for {a} {noun} in {style}.",
        "Bring {style} into your next project with {a} {noun}.",
    ),
    sentences=(
        "Well suited to {use}.",
        "Safe for children over six.",
        "All {style} shades come from one batch and match.",
        "It also makes a nice present for anyone who loves {use}.",
        "Store it dry and away from sunlight.",
        "Instructions with three ideas are included.",
    ),
    events=(5, 9),
)

INSTRUMENTS = DomainRecipe(
    name="instruments",
    root="Musical Instruments",
    categories="""
= Guitars | Walnut, Mahogany, Spruce, Maple
~ Light Gauge, Full Size, Left Handed, with Gig Bag | campfire songs, stage work, first lessons
Acoustic Guitars @ 180: Dreadnought Guitar, Parlor Guitar, Acoustic Guitar
Guitar Strings @ 9: Acoustic Guitar Strings, Nylon Strings, Electric Guitar Strings
Guitar Picks @ 6: Guitar Picks, Thumb Picks, Pick Holder
Guitar Straps @ 17: Guitar Strap, Woven Strap, Strap Locks
= Drums | Birch, Hickory, Bronze, Oak
~ 14 Inch, Pair, Matched Set, with Bag | rock bands, quiet practice, marching
Snare Drums @ 140: Snare Drum, Piccolo Snare, Field Drum
Drumsticks @ 11: Drumsticks, Brushes, Mallets
Cymbals @ 95: Crash Cymbal, Ride Cymbal, Hi Hat
Practice Pads @ 24: Practice Pad, Knee Pad, Bass Drum Mute
= Keyboards | Steel, Ash, Padded, Weighted
~ 88 Keys, Foldable, Double Braced, Adjustable | small apartments, church music, exams
Digital Pianos @ 890: Stage Piano, Console Piano, Keyboard
Keyboard Stands @ 38: X Stand, Z Stand, Table Stand
Piano Benches @ 52: Piano Bench, Storage Bench, Piano Stool
Sustain Pedals @ 22: Sustain Pedal, Triple Pedal, Expression Pedal
= Woodwinds | Ebony, Grenadilla, Cane, Silver Plated
~ B Flat, Strength 2, Box of 10, Student Model | school bands, jazz nights, chamber music
Clarinets @ 210: Clarinet, Bass Clarinet, Alto Clarinet
Reeds @ 18: Clarinet Reeds, Synthetic Reed, Saxophone Reeds
Ligatures @ 25: Ligature, Mouthpiece Cap, Mouthpiece
Swabs & Care @ 8: Cleaning Swab, Cork Grease, Care Kit
= Recording | Copper, Alloy, Braided, Foam
~ USB, 10 Foot, 2 Pack, with Shock Mount | podcasts, home studios, singing online
Microphones @ 85: Condenser Microphone, Dynamic Microphone, Ribbon Microphone
Microphone Stands @ 30: Boom Stand, Desk Stand, Boom Arm
Audio Cables @ 13: XLR Cable, Patch Cable, Instrument Cable
Studio Headphones @ 60: Monitor Headphones, Closed Headphones, Open Headphones
""",
    styles="Crimson, Sunburst, Ivory, Midnight, Vintage, Cherry, Pearl, Tobacco, Emerald, Natural, Sapphire, Antique, "
    "Champagne, Smoke, Honey, Cobalt",
    adjectives="Bright, Warm, Mellow, Balanced, Crisp, Durable, Responsive, Resonant, Professional, Portable",
    titles=(
        "{style} {mark} {material} {noun}, {detail}",
        "{mark} {style} {noun}",
        "{mark} {a} {style} {noun}",
        "{a} {style} {material} {noun}",
    ),
    openings=(
        "The {style} {noun} will answer every touch with a {a} tone.",
        "{material} gives our {style} {noun} a {a} and {b} voice.",
        "The {style} {noun} you can trust on stage, {a} and {b}.",
        "{mark} has made {style} {noun} for players who want a {a} sound.",
    ),
    sentences=(
        "Made for {use}.",
        "The {style} finish is applied by hand.",
        "Teachers recommend it for {use}.",
        "Ready to play out of the box.",
        "Its {a} response helps beginners as well as professionals.",
        "Wipe it with a soft cloth after playing.",
    ),
    events=(5, 9),
)

PANTRY = DomainRecipe(
    name="pantry",
    root="Pantry",
    categories="""
= Beverages | Whole Leaf, Fair Trade, Decaf, Cold Brew
~ 20 Bags, 12 oz, Pack of 6, Family Size | slow mornings, afternoon breaks, iced drinks
Tea @ 6: Black Tea, Green Tea, Herbal Tea
Coffee @ 11: Ground Coffee, Whole Bean Coffee, Coffee Pods
Sweeteners @ 5: Cane Sugar, Agave Syrup, Sugar Cubes
Cocoa @ 7: Hot Cocoa, Cocoa Powder, Drinking Chocolate
= Snacks | Kettle Cooked, Baked, Roasted, Gluten Free
~ 8 oz, Pack of 12, Party Size, Resealable Bag | lunch boxes, movie nights, hiking
Chips @ 4: Potato Chips, Tortilla Chips, Lentil Chips
Dips & Salsa @ 5: Salsa, Bean Dip, Cheese Dip
Nuts @ 9: Almonds, Cashews, Mixed Nuts
Crackers @ 4: Crackers, Crispbread, Rice Cakes
= Breakfast | Whole Grain, Rolled, Organic, High Fiber
~ 16 oz, 10 Count, Box of 8, Value Pack | quick breakfasts, school days, brunch
Cereal @ 5: Granola, Corn Flakes, Muesli
Oatmeal @ 5: Instant Oatmeal, Steel Cut Oats, Overnight Oats
Fruit Spreads @ 6: Fruit Spread, Marmalade, Jam
Pancake Mix @ 5: Pancake Mix, Waffle Mix, Crepe Mix
= Baking | Stone Ground, Unbleached, Pure, Fine
~ 2 lb, Pack of 3, 4 oz, Twin Pack | birthday cakes, holiday cookies, sourdough
Flour @ 6: Bread Flour, Cake Flour, Rye Flour
Baking Extracts @ 8: Extract, Baking Paste, Flavor Drops
Chocolate Chips @ 6: Chocolate Chips, Baking Chunks, Chocolate Wafers
Frosting @ 4: Frosting, Icing, Cake Glaze
= Pasta & Sauces | Bronze Cut, Slow Cooked, Cold Pressed, Sun Dried
~ 24 oz, Jar, Pack of 4, 500 ml | weeknight dinners, big families, picnics
Pasta @ 3: Penne, Spaghetti, Fusilli
Pasta Sauce @ 6: Tomato Sauce, Pesto, Cream Sauce
Olive Oil @ 12: Olive Oil, Cooking Oil, Dipping Oil
Vinegar @ 7: Wine Vinegar, Cider Vinegar, Glaze
""",
    styles="Honey, Smoked, Maple, Lemon, Ginger, Vanilla, Chili, Cinnamon, Garlic, Hazelnut, Orange, Rosemary, "
    "Caramel, Coconut, Cherry, Sea Salt",
    adjectives="Crunchy, Creamy, Zesty, Mild, Hearty, Sweet, Tangy, Wholesome, Rich, Light",
    titles=(
        "{mark} {style} {noun}, {detail}",
        "{mark} {material} {style} {noun}",
        "{a} {style} {material} {noun}",
        "{a} {style} {noun} ({detail})",
    ),
    openings=(
        "Our {style} {noun} will taste {a} and never too {b}.",
        "{material} and a touch of {style} make our {noun} a family favorite.",
        "The {a} {noun} with {style}, made in small batches.",
        "{mark} has one rule: {noun} must taste of {style}.",
    ),
    sentences=(
        "Just right for {use}.",
        "No artificial colors.",
        "Keep in a cool, dry place after opening.",
        "Try it with something {b} for {use}.",
        "The {style} comes from real ingredients.",
        "May contain traces of nuts.",
    ),
    brand_endings=(" Farms", " Kitchen", " Foods", "", ""),
    events=(5, 9),
)
