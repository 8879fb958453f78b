"""The words of the four embedded pre-training domains, written by hand for this project. Everything is invented."""

from workshop.sample.recipe import DomainRecipe

BOOKS = DomainRecipe(
    name="books",
    root="Books",
    categories="""
= Mystery & Thriller | Harbor, Alibi, Ledger, Witness, Crossing
~ A Novel, Large Print, A Detective Story | a rainy weekend, long train rides, readers who like to guess
Police Procedurals @ 11: Verdict, Inspector, Case File, Patrol
Cozy Mysteries @ 8: Tea Room Murder, Village Secret, Bookshop Mystery
Spy Stories @ 12: Cipher, Double Agent, Safe House
Legal Thrillers @ 13: Testimony, Closing Argument, Jury
= Science Fiction & Fantasy | Empire, Citadel, Comet, Oracle, Tide
~ A Novel, Illustrated Edition, Paperback | patient readers of long sagas, late nights, anyone who dreams of far places
Space Opera @ 10: Starship, Fleet, Outpost
Epic Fantasy @ 14: Throne, Dragon, Sorcerer, Prophecy
Time Travel @ 11: Clockmaker, Yesterday, Paradox
Dystopian Fiction @ 12: Ration, Wall, Last City
= Romance | Meadow, Ballroom, Orchard, Letter, Promise
~ A Romance, Large Print, Paperback | a holiday by the sea, hopeful hearts, an evening by the fire
Regency Romance @ 7: Duke, Governess, Masquerade
Small Town Romance @ 8: Homecoming, Bakery, Summer
Paranormal Romance @ 9: Moonlit Kiss, Wolf, Enchantress
Western Romance @ 7: Ranch, Cowboy, Trail
= History | Coast, Fortress, Century, Frontier, Archive
~ A History, Revised Edition, With Maps | students of the past, a reading group, travellers who want the background
Maritime History @ 22: Shipwreck, Admiral, Voyage
Ancient Civilizations @ 24: Temple, Dynasty, Ruins
Military History @ 20: Siege, Regiment, Campaign
Historical Biographies @ 19: Queen, Explorer, Statesman
= Cookbooks | Kitchen, Table, Garden, Pantry, Farmhouse
~ 100 Recipes, Spiral Bound, For Beginners | busy families, first-time cooks, Sunday lunch
Baking @ 18: Bread Book, Cake Companion, Pastry Lessons
Vegetarian Cooking @ 17: Vegetable Feast, Meatless Week, Green Bowl
Soups & Stews @ 16: Soup Pot, Stew Almanac, Broth Basics
Outdoor Grilling @ 19: Grill Manual, Smokehouse, Barbecue Nights
""",
    styles="Silent, Crimson, Winter, Midnight, Hidden, Golden, Broken, Emerald, Northern, Forgotten, Paper, Salt, "
    "Glass, Iron, Velvet, Harvest, Lantern, Raven",
    adjectives="Bold, Tender, Gripping, Quiet, Witty, Dark, Warm, Sweeping, Clever, Honest",
    titles=(
        "The {style} {noun}",
        "The {style} {noun}: {detail}",
        "The {style} {material} {noun}",
        "{style} {noun} of the {material}, {detail}",
    ),
    openings=(
        "A {a} story in which a {style} {material} changes everything.",
        "With a {a} voice and a {b} plot, this book turns the {noun} into something {style}.",
        "{mark} returns with a {a}, {b} tale of {style} days.",
        "Everyone remembers the {style} {noun}, but nobody will speak about the {material}.",
    ),
    sentences=(
        "Made for {use}.",
        "The pages turn themselves, which makes it a good choice for {use}.",
        "An afterword explains how the {material} came into the book.",
        "Readers praised the {a} beginning and the {b} end.",
        "Do not start it late in the evening.",
        "A fine present for {use}.",
    ),
    brand_is_person=True,
    series="{title}, {series} {number}",
    series_share=0.45,
)

CLOTHING = DomainRecipe(
    name="clothing",
    root="Clothing & Shoes",
    categories="""
= Women | Cotton, Linen, Viscose, Jersey, Merino
~ with Pockets, Plus Size, Petite, Knee Length | the office, garden parties, cool evenings
Dresses @ 38: Wrap Dress, Maxi Dress, Shift Dress
Cardigans @ 34: Open Front Cardigan, Button Cardigan, Shrug
Leggings @ 17: High Waist Leggings, Capri Leggings, Yoga Leggings
Scarves @ 14: Infinity Scarf, Shawl, Neck Scarf
= Men | Cotton, Flannel, Corduroy, Denim, Twill
~ Regular Fit, Big and Tall, Tapered Fit, 2 Pack | work, weekends outdoors, travel
Shirts @ 26: Button Down Shirt, Henley Shirt, Polo Shirt
Trousers @ 36: Chino Trousers, Cargo Trousers, Pleated Trousers
Jackets @ 62: Bomber Jacket, Field Jacket, Windbreaker
Belts @ 19: Dress Belt, Braided Belt, Web Belt
= Shoes | Suede, Canvas, Leather, Mesh, Felt
~ Wide Width, Memory Foam, Non Slip, Cushioned Sole | long walks, standing all day, wet pavements
Ankle Boots @ 58: Chelsea Boots, Lace Up Boots, Zip Boots
Sneakers @ 47: Running Sneakers, Slip On Sneakers, Court Sneakers
Sandals @ 29: Strappy Sandals, Slide Sandals, Wedge Sandals
Slippers @ 21: House Slippers, Moccasin Slippers, Bootie Slippers
= Jewelry | Silver, Rose Gold, Brass, Pearl, Enamel
~ Gift Boxed, Adjustable, Hypoallergenic, for Her | birthdays, weddings, everyday wear
Necklaces @ 24: Pendant Necklace, Chain Necklace, Choker
Earrings @ 15: Stud Earrings, Hoop Earrings, Drop Earrings
Bracelets @ 18: Charm Bracelet, Bangle, Cuff Bracelet
Rings @ 22: Stacking Ring, Signet Ring, Band Ring
= Accessories | Wool, Fleece, Tweed, Knit, Faux Leather
~ One Size, Unisex, Lined, Water Resistant | winter commutes, city trips, cold mornings
Hats @ 17: Beanie, Bucket Hat, Fedora
Gloves @ 16: Touchscreen Gloves, Mittens, Driving Gloves
Handbags @ 43: Tote Bag, Crossbody Bag, Satchel
Wallets @ 23: Bifold Wallet, Card Holder, Zip Wallet
""",
    styles="Crimson, Navy, Olive, Charcoal, Ivory, Burgundy, Teal, Mustard, Lavender, Coral, Paisley, Plaid, Striped, "
    "Floral, Leopard, Turquoise, Camel, Indigo",
    adjectives="Soft, Slim, Lightweight, Breathable, Vintage, Elegant, Stretchy, Ribbed, Oversized, Casual, Cozy, "
    "Classic, Quilted, Waterproof, Comfy, Boho",
    titles=(
        "{mark} {a} {b} {style} {material} {noun}",
        "{style} {a} {b} {c} {material} {noun}",
        "{mark} {style} {a} {noun}, {detail}",
        "{a} {style} {noun} {detail}",
    ),
    openings=(
        "Cut from {material}, our {style} {noun} will feel {a} from the first day.",
        "Our {a} {noun} in {style} can be worn with everything you own.",
        "{material} with a {style} look: {a}, {b} {noun}.",
        "Meet the {a} {noun} that {mark} customers ask for most, now in {style}.",
    ),
    sentences=(
        "Ideal for {use}.",
        "Wear it for {use} or simply at home.",
        "Wash cold and dry flat; the {style} tone will not fade.",
        "Please check the size chart, the fit is {a}.",
        "It pairs well with other {style} pieces.",
        "A thoughtful present for {use}.",
    ),
)

SPORTS = DomainRecipe(
    name="sports",
    root="Sports & Outdoors",
    categories="""
= Camping | Ripstop, Aluminum, Canvas, Titanium
~ 2 Person, 4 Season, with Carry Bag, Compact | family camping, backpacking, stormy nights
Tents @ 120: Dome Tent, Tunnel Tent, Trekking Tent
Sleeping Bags @ 65: Mummy Sleeping Bag, Down Sleeping Bag, Double Sleeping Bag
Camp Stoves @ 42: Gas Stove, Wood Stove, Alcohol Stove
Camp Lanterns @ 24: LED Lantern, Hanging Lantern, Folding Lantern
= Cycling | Carbon, Alloy, Polycarbonate, Gel
~ for Road Bikes, for Mountain Bikes, Adult, Set of 2 | daily commuting, trail riding, weekend tours
Bike Helmets @ 48: Road Helmet, Trail Helmet, Commuter Helmet
Bike Lights @ 22: Headlight, Tail Light, Light Set
Cycling Gloves @ 19: Half Finger Gloves, Full Finger Gloves, Padded Gloves
Bottle Cages @ 12: Bottle Cage, Side Load Cage, Bottle Holder
= Fitness | Cork, Rubber, Cast Iron, Foam
~ 6 mm, Set of 3, with Strap, Non Slip | home workouts, physical therapy, warming up
Yoga Mats @ 28: Yoga Mat, Travel Mat, Pilates Mat
Dumbbells @ 35: Hex Dumbbell, Adjustable Dumbbell, Hand Weight
Resistance Bands @ 16: Loop Band, Tube Band, Pull Up Band
Foam Rollers @ 21: Foam Roller, Massage Roller, Muscle Stick
= Fishing | Graphite, Fiberglass, Brass, Stainless
~ Medium Action, Saltwater, 12 Pieces, Left Hand | lake fishing, surf casting, a quiet morning
Fishing Rods @ 55: Spinning Rod, Casting Rod, Fly Rod
Fishing Reels @ 49: Spinning Reel, Baitcast Reel, Fly Reel
Fishing Lures @ 11: Crankbait, Spoon Lure, Jig Set
Tackle Boxes @ 27: Tackle Box, Tackle Bag, Lure Case
= Swimming | Silicone, Neoprene, Latex, Mesh
~ Anti Fog, Junior, Wide View, Quick Dry | lap swimming, open water, swimming lessons
Swim Goggles @ 18: Racing Goggles, Swim Mask, Training Goggles
Swim Caps @ 10: Swim Cap, Long Hair Cap, Dome Cap
Kickboards @ 20: Kickboard, Pull Buoy, Swim Float
Swim Bags @ 24: Wet Bag, Mesh Backpack, Swim Duffel
""",
    styles="Alpine, Desert, Crimson, Arctic, Graphite, Lime, Sunset, Cobalt, Forest, Shadow, Neon, Storm, Copper, "
    "Glacier, Volcano, Ocean, Camo, Slate",
    adjectives="Ultralight, Rugged, Durable, Portable, Ergonomic, Waterproof, Heavy Duty, Compact, Pro, Adjustable",
    titles=(
        "{mark} {style} {material} {noun}",
        "{mark} {style} {a} {noun}",
        "{style} {a} {noun} - {detail}",
        "{a} {style} {material} {noun}",
    ),
    openings=(
        "Our own team tested the {style} {noun} in the field.",
        "Built from {material}, our {a} {noun} can take knocks without losing the {style} finish.",
        "The {a} {noun} in {style} for people who would rather be outside.",
        "{mark} makes {noun} {a}, {b} and unmistakably {style}.",
    ),
    sentences=(
        "Great for {use}.",
        "It packs small and weighs little, so you can take it along for {use}.",
        "{material} parts can be replaced without tools.",
        "Combine it with the rest of the {style} collection.",
        "Covered by a two year warranty.",
        "Rinse with fresh water after use.",
    ),
)

MOVIES = DomainRecipe(
    name="movies",
    root="Movies & TV",
    categories="""
= Horror | Hollow, Cellar, Asylum, Marsh
~ DVD, Widescreen, Uncut Edition | Halloween parties, brave viewers, a dark living room
Haunted House Films @ 11: House, Whisper, Visitor
Vampire Films @ 12: Blood, Countess, Coffin
Creature Features @ 9: Beast, Swarm, Deep
Slasher Films @ 10: Mask, Knife, Summer Camp
= Science Fiction | Orbit, Signal, Colony, Machine
~ Blu-ray, Director's Cut, Special Edition | fans of big ideas, a home cinema, curious teenagers
Alien Invasion @ 13: Invasion, Saucer, Contact
Robot Stories @ 12: Android, Circuit, Automaton
Space Travel @ 15: Mission, Planet, Rocket
Disaster Films @ 11: Flood, Meteor, Eruption
= Comedy | Wedding, Neighbor, Holiday, Office
~ DVD, Full Screen, Anniversary Edition | a cheerful evening, the whole family, long flights
Romantic Comedy @ 10: Kiss, Bride, Roommate
Family Comedy @ 9: Uncle, Dog, Vacation
Buddy Comedy @ 11: Partners, Road Trip, Bet
Mockumentary @ 13: Contest, Choir, Town Hall
= Classics | Saddle, Harbor, Stage, Avenue
~ Restored, Black and White, Collector's Edition | lovers of old cinema, film students, Sunday afternoons
Westerns @ 12: Sheriff, Gun, Canyon
Film Noir @ 14: Detective, Alley, Shadow
Musicals @ 13: Melody, Dancer, Parade
War Epics @ 15: Battalion, Bridge, Pilot
= Television | Season, Island, Station, Valley
~ Complete Series, 3 Discs, Holiday Special | watching in one go, fans of the first hour, quiet winters
Crime Series @ 22: Precinct, Cold Case, Jury
Nature Documentaries @ 20: Reef, Savanna, Migration
Animated Series @ 17: Fox, Inventors, Treehouse
Costume Drama @ 24: Manor, Heiress, Estate
""",
    styles="Silver, Midnight, Savage, Lonely, Electric, Scarlet, Broken, Frozen, Golden, Secret, Burning, Hollow, "
    "Emerald, Phantom, Wild, Paper, Velvet, Thunder",
    adjectives="Thrilling, Funny, Moody, Tense, Tender, Stylish, Strange, Grand, Fast, Gentle",
    titles=(
        "The {style} {noun}",
        "{style} {noun}",
        "The {style} {noun} [{detail}]",
        "{style} {material}: The {noun} ({detail})",
    ),
    openings=(
        "After the {style} {noun} at the {material}, nobody is safe from the truth.",
        "A {a} and {b} picture about the {noun} that everyone called {style}.",
        "{mark} presents a {a} tale of the {material}.",
        "Two strangers, one {style} night and the {noun} that will not let them go.",
    ),
    sentences=(
        "Recommended for {use}.",
        "Includes an audio commentary and deleted scenes.",
        "Critics called it {a}, audiences called it {b}.",
        "The {style} photography alone is worth the evening.",
        "Perfect for {use}.",
        "Newly transferred from the original negative.",
    ),
    brand_endings=(" Pictures", " Films", " Studios", "", ""),
    series="{title}, Part {number}",
    series_share=0.15,
    remake_share=0.12,
)
