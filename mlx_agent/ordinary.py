"""Ordinary English words of mail: what is no name, even with a capital.

Titles, headings and other languages give words capitals that no name has. Words that are first
names or family names too are left out of ORDINARY on purpose.
"""

from __future__ import annotations

CALENDAR = frozenset(
    "monday tuesday wednesday thursday friday saturday sunday mon tue tues wed thu thur thurs fri "
    "sat sun january february march april may june july august september october november december "
    "jan feb mar apr jun jul aug sep sept oct nov dec spring autumn winter christmas easter "
    "am pm noon today tomorrow tonight yesterday".split()
)

ORDINARY = CALENDAR | frozenset(
    """
    a about above accept access according account across action actual actually add additional
    address admin advance advice after afternoon again against agenda agree agreed agreement ahead
    all almost alone along already also although always amount an and announcement annual another
    answer any anybody anyone anything anyway apologies apology application apply appointment
    appreciate approval approve are area aren around arrange arrival as asap ask asked at attached
    attachment attend attention availability available away back bad balance based basic be because
    become been before begin behind being believe below benefit best better between beyond big
    booking both break brief bring budget build building business busy but button buy by bye
    calendar call called came can cancel cannot car care case cc central certain certainly change
    changes chat check cheers child children choice choose city class clear clearly click close
    colleague colleagues come comment comments committee common communication community company
    complete completed concern concerning conclusion condition conditions conference confirm
    confirmation congratulations consider contact content continue contract contribution cordially
    correct cost could couldn council country couple course cover create current currently customer
    customers data date dates day days deadline deal dear decide decision definitely delay deliver
    delivery department description design detail details development did didn difference different
    difficult digital dinner direct direction director discuss discussed discussion do document
    documents does doesn doing don done door double down draft drive due during each earlier early
    easy edit education effort either else email emails employee enclosed encl end enjoy enough
    ensure enter entire error especially etc euro euros even evening event events ever every
    everybody everyone everything exactly exam example excellent except exchange excited existing
    expect expected expense expenses experience explain extra fact failure fair family far fax
    feedback feel few figure figures file files final finally finance find fine finish finished
    first follow following food for form former forms forward forwarded found free friend friends
    from full fully further future fwd fyi general generally get getting give given glad go going
    gone good got great greetings ground group groups guess guest guide guidelines guys had half
    hand happen happened happy hard hardly has hasn have haven having he head health hear heard
    hello help helpful hence her here hers hey hi high him his hiya holiday holidays home hopefully
    hotel hour hours house how however hugs i idea ideas if immediately impact important in inbox
    include included including increase indeed individual info information initial inquiry inside
    instead institute insurance interest interested interesting internal international internet
    interview into introduction invitation invite invited invoice invoices involved is isn issue
    issues it item items its itself job join just keep key kind kindest kindly know knowledge known
    large last late later latest launch lead learn learning least leave left legal less let letter
    letters level library license life like likely limited line link links list listed literally
    little ll local location login logo longer look looking lot lots love lovely low lunch machine
    made mail mailing main maintenance make makes making management manager many map market material
    materials matter maybe me mean meaning means meanwhile media meet meeting meetings member
    members membership memo merry message messages method middle might mind mine minor minute
    minutes miss missed missing mister mobile model moment money month monthly months more moreover
    morning most move moved movie much music must my myself name names national near nearly
    necessary need needed needs neither network never nevertheless new news newsletter next nice
    night no nobody none nor normal normally not note notes nothing notice notification now number
    numbers obviously of off offer office official often oh ok okay old on once one ones online only
    open opening operation opinion opportunities opportunity option options or order orders
    organisation organization original other others otherwise our ours ourselves out outside over
    overall own package pages paper papers parent part participants participation particular
    particularly party pass password past payment payments people per perfect perhaps period
    permission person personal personally phone photo photos piece place plan planned planning plans
    play please pleased pleasure plus point points policy position possible possibly post potential
    practice prefer preferably presentation president press previous previously primary print
    private probably problem problems procedure process product products professional program
    programme progress project projects promise proper proposal proposed provide provided ps public
    publication purchase purpose put quality quarter question questions quick quickly quite quote
    rate rather re reach read reading ready real really reason reasons receipt receive received
    recent recently recommendation record refer reference regard regarding regards registration
    regular regularly related release reminder remote rent repair reply report reports request
    requested requests required requirement requirements research reservation resource resources
    respectfully response rest result results return review right role room rsvp rule rules run safe
    said sale sales same sample save saw say saying schedule scheduled school score search season
    second secondly section security see seem seems seen self sell seminar send sending senior sent
    separate series serious seriously server service services session set several shall share she
    sheet shipping shop short shortly should shouldn show sick side sign similar simple simply since
    sincerely single site situation size slightly slow small so social software some somebody
    somehow someone something sometimes somewhere soon sorry sort sound source space speak speaker
    special specific specifically spoke staff stage standard start started state statement status
    stay still stop store story strategy student students study stuff style subject submission
    submit such suggest suggested suggestion suggestions summary super supply support suppose sure
    survey system table take taken talk task tasks tax team technical technology telephone tell term
    terms test text than thank thanks that the their them then there therefore these they thing
    things think third this those though thought three through throughout thus ticket tickets time
    times title to together told too took top topic total touch tour towards track train training
    transfer travel treat trip trouble true truly try trying turn two type uni under understand
    unfortunately unit university unless until up update updated updates upgrade upon urgent us usd
    use used useful user users using usual usually vacation value various ve version very via video
    view visit visitor volunteer wait waiting walk want wanted warm warmest warmly was wasn watch
    water way we weather web website week weekend weekly weeks welcome well went were weren what
    whatever when whenever where whereas wherever whether which while who whole whom whose why wish
    wishes with within without won wonderful word words work worked working works workshop world
    worry would wouldn write writing written wrong wrote yeah year yearly years yep yes yet you your
    yours yourself zero mr mrs ms dr prof professor sir madam messrs eur gbp chf pdf cv tba tbd eta
    faq url id english american british aw sv wg antw und oder der die das ein eine ich sie wir ihr
    mit von für bitte danke hallo liebe lieber viele grüße je vous nous merci bonjour cordialement
    le la les de et un une el los las y gracias hola saludos estimado estimada ciao grazie salut xx
    xo lol btw imo thx pls
    """.split()
)

NAMES_TOO = frozenset(
    """
    abbot amber angel art ash bailey baker banks barber bill bishop black blue bob bond brown bush
    butler carol carpenter carter chance chase christian clay cliff cook cooper crystal dale dawn
    dean dick drew earl ernest faith farmer fields fisher forest fox frank gay gene gold grace grant
    gray green grey guy hall harmony harry hawk hazel heath heather heaven hill holly hope hunter
    iris ivy jack jade jasmine jean jewel john josh joy judge king lance lane law lee lily long
    major mark mason max mercy miles mill miller moon nick noble north page park parker pat pearl
    penny pepper pope poppy porter potter power price prince rich river rob robin rock rose ruby
    rusty sage sandy scout shepherd singer skip smith south star sterling stone strong sue summer
    sunny swan taylor ted terry trinity troy turner van victor violet wade walker wall ward weaver
    west white will win wolf wood woods young
    """.split()
)
"""Names that are ordinary words in small letters."""
