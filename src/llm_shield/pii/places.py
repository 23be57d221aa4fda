"""Words that addresses are made of."""

from __future__ import annotations

# USPS, Publication 28, appendix C1: street suffixes, and the abbreviations that people use.
# Those that are ordinary words as well are in ORDINARY: they need more around them.
SUFFIXES = str.split(
    "Alley Aly Avenue Ave Av Boulevard Blvd Bypass Causeway Circle Cir Circles Court Ct Courts "
    "Crescent Cres Crossing Xing Crossroad Drive Dr Drives Driveway Expressway Expy Freeway "
    "Fwy "
    "Highway Hwy Junction Lane Ln Mews Motorway Mtwy Parade Pde Parkway Pkwy Parkways Pike "
    "Place Pl Plaza Plz Road Rd Roads Rdg Roundabout Route Rte Skyway Square Sq Squares Street "
    "St Str Streets Terrace Ter Terr Throughway Trafficway Trail Trl Trails Turnpike Tpke Walk "
    "Way Wy Ways Close Grove Gardens Gdns Broadway Embankment Esplanade Quay Wharf Row Rise"
)
ORDINARY = str.split(
    "Annex Arcade Bayou Beach Bend Bluff Bluffs Bottom Branch Bridge Brook Brooks Burg Burgs "
    "Camp Canyon Cape Center Centers Cliff Cliffs Club Common Commons Corner Corners Course "
    "Cove Coves Creek Crest Curve Dale Dam Divide Estate Estates Extension Extensions Fall "
    "Falls Ferry Field Fields Flat Flats Ford Fords Forest Forge Forges Fork Forks Fort Garden "
    "Gateway Gateways Glen Glens Green Greens Groves Harbor Harbors Haven Heights Hill Hills "
    "Hollow Inlet Island Islands Isle Junctions Key Keys Knoll Knolls Lake Lakes Land Landing "
    "Light Lights Loaf Lock Locks Lodge Loop Mall Manor Manors Meadow Meadows Mill Mills "
    "Mission "
    "Mount Mountain Mountains Neck Orchard Oval Overpass Park Parks Pass Passage Path Pine "
    "Pines "
    "Plain Plains Point Points Port Ports Prairie Radial Ramp Ranch Rapid Rapids Rest Ridge "
    "Ridges River Run Shoal Shoals Shore Shores Spring Springs Spur Spurs Station Stravenue "
    "Stream Summit Trace Track Trafficway Tunnel Underpass Union Unions Valley Valleys Via "
    "Viaduct View Views Village Villages Ville Vista Wall Well Wells"
)

STATES = str.split(
    "AL AK AZ AR CA CO CT DE FL GA HI ID IL IN IA KS KY LA ME MD MA MI MN MS MO MT NE NV NH NJ "
    "NM "
    "NY NC ND OH OK OR PA RI SC SD TN TX UT VT VA WA WV WI WY DC PR GU VI AS MP FM MH PW AA AE "
    "AP"
)
STATE_NAMES = (
    "Alabama|Alaska|Arizona|Arkansas|California|Colorado|Connecticut|Delaware|Florida|Georgia|"
    "Hawaii|Idaho|Illinois|Indiana|Iowa|Kansas|Kentucky|Louisiana|Maine|Maryland|Massachusetts|"
    "Michigan|Minnesota|Mississippi|Missouri|Montana|Nebraska|Nevada|New Hampshire|New Jersey|"
    "New Mexico|New York|North Carolina|North Dakota|Ohio|Oklahoma|Oregon|Pennsylvania|"
    "Rhode Island|South Carolina|South Dakota|Tennessee|Texas|Utah|Vermont|Virginia|Washington|"
    "West Virginia|Wisconsin|Wyoming|ACT|NSW|NT|QLD|SA|TAS|VIC|WA|"
    "New South Wales|Queensland|Victoria|Tasmania|South Australia|Western Australia|"
    "Ontario|Quebec|British Columbia|Alberta|Manitoba|Saskatchewan|Nova Scotia|ON|QC|BC|AB|MB|"
    "SK|NS"
)
COUNTRIES = (
    "USA|U\\.S\\.A\\.|US|United States(?: of America)?|UK|United Kingdom|England|Scotland|"
    "Wales|"
    "Ireland|Canada|Australia|New Zealand|Germany|Deutschland|France|Spain|España|Italy|Italia|"
    "Netherlands|Nederland|Belgium|België|Belgique|Switzerland|Schweiz|Suisse|Austria|"
    "Österreich|"
    "Portugal|Brazil|Brasil|Poland|Polska|Sweden|Sverige|Norway|Norge|Denmark|Danmark|Finland|"
    "Suomi|India|Mexico|México|Singapore|South Africa|Japan"
)

# Before the name: French, Spanish, Italian, Portuguese, Romanian, Polish, Catalan.
LEADING = (
    "rue|avenue|av\\.|boulevard|bd|bld|place|chemin|allée|allées|impasse|quai|cours|route|"
    "passage|square|sentier|voie|faubourg|rang|allé|montée|"
    "calle|c/|avenida|avda\\.?|avd\\.?|av\\.|plaza|pza\\.?|paseo|pº|carrer|ronda|camino|"
    "callejón|"
    "glorieta|travesía|cuesta|pasaje|pasadizo|vial|urbanización|alameda|acceso|cañada|c\\.|vía|"
    "rambla|privada|prolongación|circuito|andador|eje vial|cerrada|diagonal|viaducto|calzada|"
    "retorno|peatonal|periférico|corredor|continuación|ampliación|callejon|torre|av|"
    "via|viale|v\\.le|piazza|p\\.za|corso|c\\.so|largo|vicolo|strada|contrada|borgo|canale|"
    "rotonda|"
    "incrocio|stretto|"
    "rua|r\\.|praça|travessa|estrada|rodovia|largo|viela|quinta|vila|conjunto|condomínio|"
    "trecho|sítio|lagoa|loteamento|jardim|fazenda|favela|colônia|parque|núcleo|recanto|vale|"
    "residencial|setor|esplanada|feira|ladeira|morro|distrito|chácara|estação|campo|passarela|"
    "strada|str\\.|bulevardul|aleea|"
    "ul\\.|ulica|al\\.|aleja|pl\\.|plac|os\\."
)

# Joined to the name or behind it: German, Dutch, Nordic.
ENDINGS = (
    "straße|strasse|str\\.|gasse|weg|platz|allee|ring|damm|ufer|steig|stieg|ring|chaussee|pfad|"
    "straat|laan|plein|gracht|boulevard|steeg|pad|ring|bulevardi|raitti|kaari|kade|dijk|singel|"
    "dreef|hof|baan|steenweg|markt|"
    "gatan|gata|torget|gränd|stigen|grand|vägen|vei|veien|veg|vegen|gade|vej|allé|alle|plads|"
    "stræde|katu|tie|polku|kuja"
)
