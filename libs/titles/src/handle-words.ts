/*
 * Words that anybody may be glad to be called: short, in plain use, without a second meaning about bodies, origins,
 * beliefs or tiers. Their order decides handles that were never chosen, so a word is neither moved nor taken
 * out, nor is one added, without changing those handles.
 */

const words = (text: string): readonly string[] => text.trim().split(/\s+/);

export const adjectives = words(`
  airy alert amber apt arctic autumn awake azure balmy bold bonny brave breezy bright brisk bubbly busy calm candid
  caring cheery chipper civil clear clever coastal comfy copper coral cordial cosmic cosy crimson crisp curious dapper
  daring dawn deft devoted diligent dreamy dynamic eager early earnest easy elegant epic even fabled fair famous fancy
  fearless festive fine fluent fond free fresh friendly frosty gallant genial gentle giddy gifted glad gleaming glossy
  glowing graceful grand grateful green handy happy hardy hearty helpful honest hopeful humble indigo intent jade
  jaunty jolly jovial joyful joyous jubilant keen kind kindly lavender leafy learned lively logical loyal lucid lucky
  lunar lush magic maple mellow merry mighty mild mindful minty misty modest mossy musical neat new nifty nimble noble
  noted novel oaken ochre opal open orderly organic patient peachy pearly peppy placid playful plucky poetic poised
  polar polished polite posh prime prompt proper proud prudent punctual quaint quick quiet radiant rapid ready regal
  restful rosy ruby rustic sage sandy sapphire scarlet scenic secure serene sharp shiny silent silken sincere sleek
  smart smiling smooth snug sociable solar sonic sparkling speedy spirited spry stately steady stellar still stoic
  sublime subtle summer sunlit sunny superb sure swift tactful teal thankful thorough tidal tidy topaz tranquil trusty
  truthful twilight upbeat useful valiant velvet verdant versed vibrant vital vivid warm watchful wavy whimsical
  willing winsome winter wise witty wonder woodland worthy zesty
`);

export const nouns = words(`
  acorn alder almond alpaca anchor antelope apple apricot arrow aspen aster atlas aurora avocet badger bamboo banjo
  barley basil bay beacon beech bell birch blossom bluebell bobcat breeze bridge brook bunting buttercup butterfly
  cactus canyon caribou cascade castle cedar cello cheetah chestnut cicada cinnamon clarinet cliff cloud clover comet
  compass condor cove crane creek cricket crocus crystal curlew cypress daffodil dahlia daisy delta dolphin dove
  dragonfly dune eagle egret elm ember falcon fennel fern ferret fiddle fig finch firefly fjord flamingo flute forest
  fountain fox galaxy garden gazelle gecko geyser ginger glacier glade goldfinch grove gull hamlet harbour hare harp
  hawk hazel heather hedgehog heron hickory hill hollow horizon hyacinth ibex ibis iris island ivy jackdaw jaguar
  jasmine jay juniper kelp kestrel kettle kingfisher kite kiwi koala lagoon lake lantern lapwing lark laurel lemon
  leopard lichen lilac lily lime linden linnet llama lotus lupin lynx lyre magnolia magpie mallow mandolin mango maple
  marigold marlin marmot marten meadow meteor mint mistral moon moth mountain mulberry myrtle narwhal nebula nectar
  newt nightingale nutmeg oak oasis oat ocean ocelot olive orbit orchard orchid oriole osprey otter owl oxlip palm
  panda papaya parrot pebble pelican penguin peony pepper petrel pheasant piano pika pine planet plover plum pond
  poplar poppy prairie primrose puffin puma quail quartz quince rainbow raven reed reef ridge river robin rook rose
  rosemary rowan saffron sage salmon sandpiper seahorse seal sequoia shore skylark snowdrop sparrow spring spruce
  squirrel starling stork stream summit sunbeam sunflower swan swift sycamore tapir teal tern thicket thistle thyme
  tiger toucan trail trout tulip turtle valley vanilla violet violin vole walnut warbler waterfall wave wharf willow
  wind wombat woodpecker wren yarrow yew zebra zephyr zinnia
`);
